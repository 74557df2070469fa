"""Pulumi's dynamic providers. They are thin: infra.oci, infra.sources and infra.lab do the work."""
