"""``pulumi-resource-docker``: builds with BuildKit and pushes, as pulumi-docker 4 was seen to do with a real daemon."""
