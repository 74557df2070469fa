"""Dynamic providers: thin; their work is done by infra.oci and infra."""
