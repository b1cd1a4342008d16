"""The manifest itself: what Slack takes, and what `signoff manifest` makes of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from agent_runtime.errors import TextError
from bot.manifest import (
    PLACEHOLDER,
    as_shape,
    for_address,
    for_socket_mode,
    parse_address,
    read_manifest,
)

TEXT = read_manifest()
MANIFEST = as_shape(TEXT)
ADDRESS = "https://bot.example.com"


def test_it_keeps_to_slacks_limits() -> None:
    """The lengths, counts and keys of Slack's published schema for version 2."""
    assert MANIFEST.keys() <= {"_metadata", "display_information", "features", "oauth_config", "settings"}
    display = MANIFEST["display_information"]
    assert 1 <= len(display["name"]) <= 35
    assert len(display["description"]) <= 140
    assert 175 <= len(display["long_description"]) <= 4000
    assert re.fullmatch(r"#[0-9a-f]{6}", display["background_color"])
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,80}", MANIFEST["features"]["bot_user"]["display_name"])


def test_its_commands_and_shortcuts_keep_to_slacks_limits() -> None:
    """Fifty commands and ten shortcuts, each with what it must have."""
    commands, shortcuts = MANIFEST["features"]["slash_commands"], MANIFEST["features"].get("shortcuts", [])
    assert len(commands) <= 50
    for command in commands:
        assert re.fullmatch(r"/[a-z0-9_-]{1,31}", command["command"])
        assert 1 <= len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000
    assert len(shortcuts) <= 10
    for shortcut in shortcuts:
        assert shortcut.keys() == {"name", "type", "callback_id", "description"}
        assert shortcut["type"] in ("global", "message")
        assert 1 <= len(shortcut["name"]) <= 24
        assert 1 <= len(shortcut["description"]) <= 150
        assert 1 <= len(shortcut["callback_id"]) <= 255


def test_its_settings_keep_to_slacks_limits() -> None:
    """Keys that the schema knows, a hundred events, no rotation that could not be taken back, nothing twice."""
    settings = MANIFEST["settings"]
    assert settings.keys() <= {
        "event_subscriptions", "interactivity", "org_deploy_enabled", "socket_mode_enabled", "token_rotation_enabled",
    }  # fmt: skip
    events = settings["event_subscriptions"]["bot_events"]
    assert len(set(events)) == len(events) <= 100
    assert settings["interactivity"].keys() == {"is_enabled", "request_url"}
    assert settings["token_rotation_enabled"] is False
    scopes = MANIFEST["oauth_config"]["scopes"]["bot"]
    assert sorted(set(scopes)) == scopes


def test_for_socket_mode_no_address_is_left() -> None:
    """Everything else is as it stands in the file."""
    text = for_socket_mode(TEXT)
    assert PLACEHOLDER not in text
    shape, expected = as_shape(text), as_shape(TEXT)
    assert shape["settings"]["socket_mode_enabled"] is True
    for command in expected["features"]["slash_commands"]:
        del command["url"]
    del expected["settings"]["event_subscriptions"]["request_url"]
    del expected["settings"]["interactivity"]["request_url"]
    expected["settings"]["socket_mode_enabled"] = True
    assert shape == expected


def test_an_address_stands_in_all_its_places() -> None:
    """None of the placeholder's is left, and nothing else changes."""
    text = for_address(TEXT, ADDRESS)
    assert "signoff.example.com" not in text
    assert text.count(f"{ADDRESS}/slack/events") == TEXT.count(PLACEHOLDER)
    assert json.dumps(as_shape(text)).replace(ADDRESS, "https://signoff.example.com") == json.dumps(MANIFEST)


def test_what_is_printed_begins_with_what_to_do_with_it() -> None:
    """The file's own remarks are for the repository; the reasons beside the scopes stay."""
    for text in (for_socket_mode(TEXT), for_address(TEXT, ADDRESS)):
        assert text.startswith("# Signoff's Slack app, for ")
        assert text.splitlines()[1] == "_metadata:"
        assert "users:read # " in text


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("https://bot.example.com", ADDRESS),
        (" https://Bot.Example.com/ ", ADDRESS),
        ("https://bot.example.com/slack/events", ADDRESS),
        ("https://bot.example.com/slack/events/", ADDRESS),
        ("https://bot.example.com:8443", f"{ADDRESS}:8443"),
        ("https://203.0.113.7", "https://203.0.113.7"),
    ],
)
def test_an_address_is_read_as_people_type_it(typed: str, read: str) -> None:
    """With the blank and the slash that copying leaves, and with the path that belongs to it anyway."""
    assert parse_address(typed) == read


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("http://bot.example.com", "does not begin with https://"),
        ("bot.example.com", "does not begin with https://"),
        ("https://localhost:3000", "is this machine"),
        ("https://127.0.0.1", "is this machine"),
        ("https://bot", "names no host"),
        ("https://", "names no host"),
        ("https://bot.example.com\nx: y", "is not a web address"),
        ("https://bot example.com", "names no host"),
        ("https://-bot.example.com", "names no host"),
        ("https://bot.example.com:99999", "is not a web address"),
        ("https://[::1", "is not a web address"),
        ("https://bot.example.com/signoff", "more in it than a host"),
        ("https://bot.example.com?x=1", "more in it than a host"),
        ("https://me@bot.example.com", "more in it than a host"),
    ],
)
def test_what_slack_could_not_call_is_refused(typed: str, said: str) -> None:
    """With what is wrong and how to write it."""
    with pytest.raises(TextError, match=re.escape(said)) as refused:
        parse_address(typed)
    assert refused.value.mend


def test_the_checkout_holds_one_manifest() -> None:
    """A second copy would be printed in place of the one that is tested."""
    assert not (Path(__file__).parents[1] / "bot" / "manifest.yml").exists()
