"""The Fargate target on AWS, as Pulumi components: one room each, put together in `stack`."""
