"""Rounds on real AWS ECS Fargate, and on a simulation of it."""
