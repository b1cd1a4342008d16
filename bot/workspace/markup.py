"""Slack's message markup: escaping, automatic parsing, what a reader sees, and whom it notifies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Names = Callable[[str], str]
"""Turns the id of a user, channel or user group into what a reader sees: `@maria`, `#general`, `@finance`."""

_CONTROL = re.compile(r"<([^<>]+)>")
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
_BARE_URL = re.compile(r"(?<![<|\w])(https?://[^\s<>|]+)")
_AT_ALL = re.compile(r"(?<![\w<!@])@(here|channel|everyone)\b")
_HASH_NAME = re.compile(r"(?<![\w&#<])#([a-z0-9][a-z0-9_-]*)")
_EMOJI = re.compile(r":([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):")


@dataclass(frozen=True)
class Token:
    """A piece of marked-up text. `kind`: text, user, channel, usergroup, broadcast, date or link."""

    kind: str
    value: str
    label: str = ""


def escape(text: str) -> str:
    """`&`, `<` and `>` as entities; entities that are there already stay as they are."""
    return _BARE_AMPERSAND.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The three entities as the characters they stand for."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _is_control(inner: str) -> bool:
    target = inner.partition("|")[0]
    return bool(re.match(r"[@#!]\S|[a-z][a-z0-9+.-]*:\S", target))


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """Pieces of the text in order, each with whether it is a control sequence such as `<@U0ANA00001>`."""
    position = 0
    for match in _CONTROL.finditer(text):
        if not _is_control(match[1]):
            continue
        if match.start() > position:
            yield False, text[position : match.start()]
        yield True, match[1]
        position = match.end()
    if position < len(text):
        yield False, text[position:]


def stored(text: str, channel_ids: dict[str, str] | None = None, *, links: bool = True) -> str:
    """The text as Slack stores it: stray `& < >` escaped, URLs linked; with `channel_ids`, `@here` and `#name` too."""
    out = []
    for is_control, piece in _pieces(text):
        if is_control:
            out.append(f"<{piece}>")
            continue
        plain = escape(piece)
        if links:
            plain = _BARE_URL.sub(r"<\1>", plain)
        if channel_ids is not None:
            plain = _AT_ALL.sub(r"<!\1>", plain)
            plain = _HASH_NAME.sub(lambda m: f"<#{channel_ids[m[1]]}>" if m[1] in channel_ids else m[0], plain)
        out.append(plain)
    return "".join(out)


def tokens(text: str) -> list[Token]:
    """The text taken apart."""
    return [_control_token(piece) if control else Token("text", unescape(piece)) for control, piece in _pieces(text)]


def _control_token(inner: str) -> Token:
    target, _, label = inner.partition("|")
    label = unescape(label)
    if target.startswith("@"):
        return Token("user", target[1:], label)
    if target.startswith("#"):
        return Token("channel", target[1:], label)
    if target.startswith("!subteam^"):
        return Token("usergroup", target.removeprefix("!subteam^"), label)
    if target.startswith("!date^"):
        return Token("date", target.removeprefix("!date^"), label)
    if target.startswith("!"):
        return Token("broadcast", target[1:].partition("^")[0], label)
    return Token("link", unescape(target), label)


def visible(text: str, names: Names) -> str:
    """What a reader sees, without the styling characters being interpreted."""
    shown = []
    for token in tokens(text):
        if token.kind == "text":
            shown.append(token.value)
        elif token.kind in {"user", "channel", "usergroup"}:
            shown.append(names(token.value))
        elif token.kind == "broadcast":
            shown.append("@" + token.value)
        elif token.kind == "date":
            shown.append(token.label)
        else:
            shown.append(token.label or token.value)
    return "".join(shown)


def notified(text: str) -> set[str]:
    """The ids of users and user groups the text mentions, and `here`, `channel` or `everyone`."""
    return {token.value for token in tokens(text) if token.kind in {"user", "usergroup", "broadcast"}}


def as_rich_text(text: str) -> list[dict[str, object]]:
    """The elements of the rich_text_section that Slack makes of a message that is only text."""
    elements: list[dict[str, object]] = []
    for token in tokens(text):
        if token.kind == "text":
            elements += _text_and_emoji(token.value)
        elif token.kind == "link":
            link: dict[str, object] = {"type": "link", "url": token.value}
            elements.append(link | ({"text": token.label} if token.label else {}))
        elif token.kind == "broadcast":
            elements.append({"type": "broadcast", "range": token.value})
        elif token.kind == "date":
            stamp, _, form = token.value.partition("^")
            elements.append({"type": "date", "timestamp": int(stamp), "format": form, "fallback": token.label})
        else:
            elements.append({"type": token.kind, f"{token.kind}_id": token.value})
    return elements


def _text_and_emoji(text: str) -> list[dict[str, object]]:
    parts = _EMOJI.split(text)
    out: list[dict[str, object]] = []
    for index, part in enumerate(parts):
        if index % 2:
            out.append({"type": "emoji", "name": part})
        elif part:
            out.append({"type": "text", "text": part})
    return out
