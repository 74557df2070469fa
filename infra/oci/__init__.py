"""One module per tool that works on images: each wraps one program and returns plain values."""
