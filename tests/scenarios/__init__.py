"""One file for each path through the product: the real bot over HTTP against the local workspace."""
