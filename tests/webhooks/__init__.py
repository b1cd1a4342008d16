"""Webhooks: what is sent, where to, and in which order."""
