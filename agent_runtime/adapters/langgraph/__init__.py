"""LangGraph graphs as agents: compiled graphs, unmodified, with their tools behind Signoff's gate."""

from agent_runtime.adapters.langgraph.agent import LangGraphAgent
from agent_runtime.adapters.langgraph.canary import check_gate
from agent_runtime.adapters.langgraph.node import gated

__all__ = ["LangGraphAgent", "check_gate", "gated"]
