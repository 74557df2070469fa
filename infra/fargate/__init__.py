"""The Fargate target on AWS, as Pulumi components: one module each, put together in `target`."""
