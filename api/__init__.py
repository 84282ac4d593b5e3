"""HTTP: parse, gate, answer."""
