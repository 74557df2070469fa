"""Hostile input for every parser of the project: how it is made, given, watched and judged (`benchmarks/fuzz.py`)."""
