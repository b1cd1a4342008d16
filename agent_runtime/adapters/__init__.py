"""One adapter for each agent framework; beside the demo's agents nothing else imports one."""
