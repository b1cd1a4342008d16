"""A Slack workspace on this machine: for the demo, for development, for tests. It knows nothing of our bot."""

from bot.workspace.handles import ChannelWindow, Message, View
from bot.workspace.person import Person
from bot.workspace.server import Workspace, serve

__all__ = ["ChannelWindow", "Message", "Person", "View", "Workspace", "serve"]
