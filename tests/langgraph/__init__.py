"""The LangGraph adapter: its saver, its gate, and graphs nobody changed for it."""
