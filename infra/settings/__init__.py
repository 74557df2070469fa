"""The settings of a stack, each with its type, its default and its meaning."""
