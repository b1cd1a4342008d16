"""The terminal as a surface: the run's requests are asked here, and answered by whoever sits at it."""

from bot.console.console import Console
from bot.console.people import ConsolePeople, console_actor, console_origin

__all__ = ["Console", "ConsolePeople", "console_actor", "console_origin"]
