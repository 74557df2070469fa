"""Compare two sweeps: whether they can be compared, what changed, and a gate for continuous integration."""
