"""Socket Mode, on both of its sides."""
