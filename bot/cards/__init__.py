"""What people see in Slack: pure functions from read models to Block Kit. The only place where blocks are built."""
