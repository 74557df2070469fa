"""What a boot reads of its image: recorded in the lab, kept as JSON, and used to lay an image out."""
