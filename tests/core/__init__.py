"""The core without a framework and without Slack: a real store, a scripted agent, people, and a clock that is moved."""
