"""Block Kit drawn in a real browser."""
