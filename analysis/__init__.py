"""What figures mean."""
