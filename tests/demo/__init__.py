"""The demo agents, run with LangGraph alone: what they ask for, what they do, and what they say."""
