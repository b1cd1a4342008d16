"""The demo in a real browser: people at their windows, on a desk and on a phone."""
