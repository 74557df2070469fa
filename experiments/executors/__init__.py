"""Who runs a round: one protocol, kept by the lab, Fargate and the simulation."""
