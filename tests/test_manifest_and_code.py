"""The manifest against the code, in both directions: what Slack is asked for is used, and what is used is asked for."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot import app as composition
from bot.cards.ids import ActionId, CallbackId
from bot.checks.scopes import APP_LEVEL, ENTRANCES, EVENTS, METHODS, SCOPES, SWITCHED_ON
from bot.door import PATH
from bot.manifest import EVENTS_PATH, PLACEHOLDER, as_shape, read_manifest
from tests.scenarios.house import open_house

BOT = Path(composition.__file__).parent
MANIFEST = as_shape(read_manifest())
FEATURES, SETTINGS = MANIFEST["features"], MANIFEST["settings"]
COMMANDS = FEATURES.get("slash_commands", [])
SHORTCUTS = FEATURES.get("shortcuts", [])
SUBSCRIBED = set(SETTINGS.get("event_subscriptions", {}).get("bot_events", []))
SHOWS = {one: "an input is read when its form is submitted" for one in ActionId if one.name.startswith("FIELD")}
"""Elements whose being touched means nothing."""
INFORMS = {
    CallbackId.NOTICE: "has nothing to submit",
    CallbackId.LOADING: "has nothing to submit",
    CallbackId.REVIEW_ALL: "is answered with its buttons",
    CallbackId.MORE: "is answered with its buttons",
}
"""Modals that are not submitted."""


def wire_name(method: str) -> str:
    """`chat_postMessage` as Slack calls it."""
    family, _, rest = method.partition("_")
    return ".".join([family, *rest.split("_")])


def methods_called() -> set[str]:
    """Every method of Slack's client that a module of the bot names; the workspace answers calls, it makes none."""
    known = {name for name, made in vars(AsyncWebClient).items() if inspect.iscoroutinefunction(made)} - {"api_call"}
    paths = [path for path in BOT.rglob("*.py") if "workspace" not in path.relative_to(BOT).parts]
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text()))]
    return {wire_name(node.attr) for node in nodes if isinstance(node, ast.Attribute) and node.attr in known}


class Listened(AsyncApp):
    """Bolt's app, keeping what its listeners are for."""

    kept: list[tuple[str, Any]]

    def __init__(self, **given: Any) -> None:
        self.kept = []
        super().__init__(**given)


def _keeping(kind: str) -> Any:
    def listen(self: Listened, *given: Any, **named: Any) -> Any:
        self.kept.append((kind, given[0] if given else next(iter(named.values()), None)))
        return getattr(AsyncApp, kind)(self, *given, **named)

    return listen


KINDS = (
    "command", "event", "message", "action", "block_action", "attachment_action", "view", "view_submission",
    "view_closed", "shortcut", "global_shortcut", "message_shortcut", "options", "block_suggestion",
    "dialog_suggestion", "dialog_submission", "dialog_cancellation", "function", "step", "assistant",
)  # fmt: skip
for _kind in KINDS:
    setattr(Listened, _kind, _keeping(_kind))


@pytest.fixture
async def listened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """What the bot's own app listens to, by kind, as it is built; patterns that take what nobody else took are left
    out."""
    built: list[Listened] = []

    def build(**given: Any) -> Listened:
        built.append(Listened(**given))
        return built[-1]

    monkeypatch.setattr(composition, "AsyncApp", build)
    async with open_house(tmp_path, agents={}):
        (app,) = built
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for kind, what in app.kept:
        if isinstance(what, re.Pattern):
            assert what.fullmatch("anything at all"), f"{kind} listens to a pattern: {what.pattern}"
            continue
        found[kind].add(what if isinstance(what, str) else str(what.get("type") or what.get("callback_id")))
    return found


def test_every_method_that_is_called_has_its_scopes_in_the_table() -> None:
    """A new call to Slack does not come without saying what it needs; an old one does not leave its scope behind."""
    assert methods_called() == set(METHODS) | set(APP_LEVEL) | set(SWITCHED_ON)
    assert not set(METHODS) & (set(APP_LEVEL) | set(SWITCHED_ON))


def test_the_manifest_asks_for_exactly_the_scopes_that_are_used() -> None:
    """Calls, events, commands and shortcuts, and nothing besides."""
    used = {scope for scopes in METHODS.values() for scope in scopes}
    used |= {scope for event in SUBSCRIBED for scope in EVENTS[event]}
    used |= set(ENTRANCES) if COMMANDS or SHORTCUTS else set()
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == used
    assert [scope.name for scope in SCOPES] == MANIFEST["oauth_config"]["scopes"]["bot"], "in the same order"
    assert set(MANIFEST["oauth_config"]["scopes"]) == {"bot"}


def test_the_manifest_names_the_commands_that_are_listened_to(listened: dict[str, set[str]]) -> None:
    """No command of the app goes unheard, and none is waited for in vain."""
    assert {command["command"] for command in COMMANDS} == listened["command"]


def test_the_manifest_subscribes_to_the_events_that_are_listened_to(listened: dict[str, set[str]]) -> None:
    """Slack sends no event that nobody wants, and every event somebody wants."""
    heard = listened["event"] | ({"message"} if listened["message"] else set())
    assert {name.partition(".")[0] for name in SUBSCRIBED} == heard
    assert set(EVENTS) == SUBSCRIBED


def test_the_tabs_of_the_app_are_those_that_something_happens_in() -> None:
    """A Home that is drawn is shown; people can write to the bot exactly where it reads what they write."""
    tabs = FEATURES["app_home"]
    assert tabs["home_tab_enabled"] is ("app_home_opened" in SUBSCRIBED) is ("views.publish" in METHODS)
    assert tabs["messages_tab_enabled"], "or nothing could be written to a person"
    assert tabs["messages_tab_read_only_enabled"] is ("message.im" not in SUBSCRIBED)


def test_the_manifest_offers_the_shortcuts_that_are_listened_to(listened: dict[str, set[str]]) -> None:
    """By their callback ids, each in its own kind of place."""
    offered = {kind: {one["callback_id"] for one in SHORTCUTS if one["type"] == kind} for kind in ("global", "message")}
    assert offered["global"] - listened["shortcut"] == listened["global_shortcut"]
    assert offered["message"] - listened["shortcut"] == listened["message_shortcut"]
    assert listened["shortcut"] <= offered["global"] | offered["message"]


def test_every_button_and_form_has_a_listener(listened: dict[str, set[str]]) -> None:
    """What a card or a modal can send back is listened to, and nothing that none of them can send."""
    assert listened["action"] | listened["block_action"] == {one.value for one in set(ActionId) - set(SHOWS)}
    assert listened["view"] | listened["view_submission"] == {one.value for one in set(CallbackId) - set(INFORMS)}
    assert SETTINGS["interactivity"]["is_enabled"]


def test_a_menu_that_asks_for_its_options_has_an_address(listened: dict[str, set[str]]) -> None:
    """Slack asks for the options of such menus only where the manifest says where."""
    asks = bool(listened["options"] | listened["block_suggestion"])
    assert ("message_menu_options_url" in SETTINGS["interactivity"]) is asks


def test_nothing_is_listened_to_that_the_manifest_has_no_place_for(listened: dict[str, set[str]]) -> None:
    """No dialogs, attachments, workflow steps or assistants."""
    assert not [kind for kind in ("attachment_action", "function", "step", "assistant") if listened[kind]]
    assert not [kind for kind in listened if kind.startswith("dialog") and listened[kind]]


def test_all_addresses_are_the_one_that_the_server_answers() -> None:
    """One path takes everything."""
    assert EVENTS_PATH == PATH
    found = list(addresses(MANIFEST))
    assert set(found) == {PLACEHOLDER}
    assert len(found) == len(COMMANDS) + 2


def addresses(shape: object) -> Iterator[str]:
    """Every text in the manifest that is an address."""
    if isinstance(shape, dict):
        for value in shape.values():
            yield from addresses(value)
    elif isinstance(shape, list):
        for value in shape:
            yield from addresses(value)
    elif isinstance(shape, str) and shape.startswith("https://"):
        yield shape
