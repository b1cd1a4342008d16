"""The Web API methods, one module per family. Importing this package fills the registry."""

from bot.workspace.methods import apps, chat, conversations, files, history, people, views
from bot.workspace.methods.registry import METHODS, Call, Method

__all__ = ["METHODS", "Call", "Method", "apps", "chat", "conversations", "files", "history", "people", "views"]
