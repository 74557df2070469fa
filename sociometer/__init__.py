"""Sociometer measures how much faster a container starts when its image is delivered lazily."""

__version__ = "0.1.0"
