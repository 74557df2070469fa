"""What can be set for a stack: each setting with its type, its default and what it means."""
