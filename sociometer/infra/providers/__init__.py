"""Dynamic providers: thin; their work is done by sociometer.oci and sociometer.infra."""
