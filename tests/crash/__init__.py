"""Processes that are killed, stalled and started again on the same files, and what must be there afterwards."""
