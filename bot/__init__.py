"""The surfaces: Slack, HTTP, the command line. No rules live here."""
