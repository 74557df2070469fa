"""What the images are made from: base, payload, and the Go program that does the boot work."""
