"""What images are made of: base, payload, the Go program that does the boot work."""
