"""Speed, size and scale of a running place on this machine, measured from outside; no product code imports it."""
