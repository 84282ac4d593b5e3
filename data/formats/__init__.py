"""File formats: bytes of one file → rows or columns as written, nothing interpreted."""
