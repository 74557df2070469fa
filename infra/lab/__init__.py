"""A miniature Fargate on one Linux machine: hosts, tasks and the network; knows nothing of plans or Pulumi."""
