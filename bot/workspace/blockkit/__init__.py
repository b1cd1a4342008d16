"""Block Kit as Slack's server treats it: refusing, completing, reading and filling in blocks and views."""
