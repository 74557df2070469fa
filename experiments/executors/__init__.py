"""Executors run rounds: one protocol, implemented by the lab, Fargate and the simulation."""
