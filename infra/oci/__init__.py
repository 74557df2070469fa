"""Work on images and registries: one module for each tool, and what is built on them."""
