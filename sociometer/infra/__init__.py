"""Where stacks made before the move still look for their providers."""
