"""An image laid out by what its boot reads: tars in a new order, the proof of equality, and exact prefetch lists."""
