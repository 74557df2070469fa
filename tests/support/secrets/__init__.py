"""Credentials with marks, and who sees them: in processes' words and variables, and in whatever was written."""
