"""A miniature Fargate on one Linux machine: hosts, tasks and the network between them; knows nothing of plans or Pulumi."""
