"""The record store (SQLite) and the data frames that are read from it."""
