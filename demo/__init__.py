"""The simulated county."""
