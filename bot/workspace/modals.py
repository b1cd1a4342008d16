"""Views: modals in their stack of three, and App Home. What a person has typed into them lives here too."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from bot.workspace.shapes import Json

STACK_LIMIT = 3

Values = dict[str, dict[str, Json]]
"""block_id -> action_id -> the value object of state.values."""


@dataclass(eq=False)
class StoredView:
    """One view as the workspace keeps it; updates change it in place and give it a new hash."""

    id: str
    user: str
    team_id: str
    app_id: str
    bot_id: str
    type: str
    hash: str
    blocks: list[Json]
    title: Json | None = None
    submit: Json | None = None
    close: Json | None = None
    private_metadata: str = ""
    callback_id: str = ""
    external_id: str = ""
    clear_on_close: bool = False
    notify_on_close: bool = False
    root_view_id: str = ""
    previous_view_id: str | None = None
    values: Values = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    """What the person sees in red under the fields, by block_id."""
    changed: int = 0
    """The workspace's change count when this view was last written."""


@dataclass
class Stack:
    """The modals one person has open, the first at the bottom."""

    views: list[StoredView] = field(default_factory=list)

    @property
    def top(self) -> StoredView | None:
        return self.views[-1] if self.views else None


def view_json(view: StoredView) -> Json:
    """A view object as views.* answer it and interaction payloads carry it."""
    title = view.title or {"type": "plain_text", "text": "View Title", "emoji": True}
    return {
        "id": view.id,
        "team_id": view.team_id,
        "type": view.type,
        "blocks": view.blocks,
        "private_metadata": view.private_metadata,
        "callback_id": view.callback_id,
        "state": {"values": copy.deepcopy(view.values)},
        "hash": view.hash,
        "title": title,
        "clear_on_close": view.clear_on_close,
        "notify_on_close": view.notify_on_close,
        "close": view.close,
        "submit": view.submit,
        "previous_view_id": view.previous_view_id,
        "root_view_id": view.root_view_id or view.id,
        "app_id": view.app_id,
        "external_id": view.external_id,
        "app_installed_team_id": view.team_id,
        "bot_id": view.bot_id,
    }
