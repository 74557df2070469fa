"""A Pulumi policy pack: what a stack on AWS must keep to. `rules` are plain functions, ``__main__`` makes them a pack."""
