"""The workspace page's own parts in a real browser."""
