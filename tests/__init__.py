"""The tests: every name is a promise."""
