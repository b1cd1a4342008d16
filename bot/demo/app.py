"""Installs the app in the demo's workspace the way a person does: from its manifest, and with nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.workspace.installation import Example, Installation, Shortcut, SlashCommand

STARTER = "/agent"
"""The command that starts agents: what they understand is shown as its examples."""


def install_from(manifest: dict[str, Any], app: Installation, examples: Sequence[Example] = ()) -> None:
    """Give the app what its manifest asks for: commands, shortcuts, tabs, scopes and events. A bot that uses anything
    else fails in the demo as it would in Slack."""
    features, settings = manifest["features"], manifest["settings"]
    app.commands = {
        each["command"]: SlashCommand(
            name=each["command"],
            should_escape=bool(each.get("should_escape", False)),
            description=each.get("description", ""),
            usage_hint=each.get("usage_hint", ""),
            examples=tuple(examples) if each["command"] == STARTER else (),
        )
        for each in features.get("slash_commands", ())
    }
    app.shortcuts = tuple(
        Shortcut(each["name"], each["type"], each["callback_id"], each.get("description", ""))
        for each in features.get("shortcuts", ())
    )
    tabs = features["app_home"]
    app.home_tab = tabs["home_tab_enabled"]
    app.messages_tab = tabs["messages_tab_enabled"]
    app.messages_tab_read_only = tabs.get("messages_tab_read_only_enabled", False)
    app.scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    app.socket_mode = bool(settings.get("socket_mode_enabled", False))
    app.events = set(settings.get("event_subscriptions", {}).get("bot_events") or ())
