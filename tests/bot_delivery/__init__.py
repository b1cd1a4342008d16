"""Delivery to Slack and the directory, against a workspace over real HTTP."""
