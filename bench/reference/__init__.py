"""The same kind of screen in plain Dash idioms, to divide by."""
