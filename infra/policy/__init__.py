"""A Pulumi policy pack: what a stack on AWS must keep to, as plain functions (`rules`) and as a pack (``__main__``)."""
