"""What the local workspace promises: to behave as Slack does, whatever our bot happens to read."""
