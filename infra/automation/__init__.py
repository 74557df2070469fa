"""Pulumi from Python: stacks, their files and settings, and the `pulumi` command."""
