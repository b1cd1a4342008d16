"""One adapter for each agent framework; nothing else imports the framework."""
