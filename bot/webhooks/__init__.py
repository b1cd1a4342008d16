"""Webhooks: signed events to receivers of other programs, in the way that Standard Webhooks describes."""
