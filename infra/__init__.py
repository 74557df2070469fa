"""What is deployed: settings, the Pulumi program, and the contract of its outputs."""
