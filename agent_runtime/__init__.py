"""What happens: state machines, policies, the journal, agents. No Slack words and no SQL in here."""
