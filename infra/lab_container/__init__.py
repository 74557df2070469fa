"""The lab in a container: its image, how Docker or Podman starts it, and what runs inside."""
