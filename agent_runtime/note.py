"""Notes: the policy's own sentence to the approver, with values of the call put in as plain text.

`{args.amount}` stands for an argument, `{args.items.0.name}` for one inside it; `{{` and `}}` are braces. Values are
data: they are never read as a template again and never as markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from agent_runtime.errors import TextError, quoted
from agent_runtime.redaction import MARK
from storage.types import Json, JsonValue

VALUE_LIMIT = 200
"""Characters of one value that a note shows; the card shows every argument in full anyway."""

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_LINE_END = re.compile(r"[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_PLACEHOLDER = re.compile(r"args((?:\.[^\s.{}]+)+)")


def check_note(template: str) -> str:
    """The template itself when every placeholder in it can be filled. Raises `TextError`."""
    for token in _TOKEN.finditer(template):
        if token[0] in ("{{", "}}"):
            continue
        if token[1] is None:
            raise TextError(f"{quoted(token[0])} stands alone in the note", 'Double it to show a brace: "{{" or "}}"')
        if not _PLACEHOLDER.fullmatch(token[1]):
            raise TextError(
                f"{quoted(token[0])} is not a placeholder",
                "Write {args.NAME} for an argument of the call; double the braces to show them as they are",
            )
    return template


def named_arguments(template: str) -> tuple[str, ...]:
    """The arguments that a checked template shows, without the places inside them."""
    paths = [token[1].split(".") for token in _TOKEN.finditer(template) if token[1] is not None]
    return tuple(dict.fromkeys(path[1] for path in paths))


def fill_note(template: str, args: Json | None) -> str:
    """The note with the call's values in it; what the call lacks reads `(no amount)`. Never raises on a checked
    template, whatever the arguments are."""
    return _TOKEN.sub(lambda token: _filled(token, args), template)


def _filled(token: re.Match[str], args: Json | None) -> str:
    if token[1] is None:
        return token[0][0]
    path = token[1].split(".")[1:]
    value: JsonValue = args
    for part in path:
        if value == MARK:  # what is inside of it is redacted, too
            break
        found = _inside(value, part)
        if not found:
            return f"(no {'.'.join(path)})"
        value = found[0]
    return _shortened(_plain(value))


def _inside(value: JsonValue, part: str) -> tuple[JsonValue, ...]:
    """The member a path's next part names, in a tuple; empty where there is none (a null is a value, too)."""
    if isinstance(value, Mapping):
        return (value[part],) if part in value else ()
    if isinstance(value, Sequence) and not isinstance(value, str) and part.isascii() and part.isdigit():
        return tuple(value[int(part) : int(part) + 1]) if len(part) < 10 else ()
    return ()


def _plain(value: JsonValue) -> str:
    """A value as text on one line: texts as they are, all else, and texts of several lines, as JSON: a line of its own
    would read as the policy's. Half characters, which no store takes, become `?`."""
    try:
        plain = isinstance(value, str) and not _LINE_END.search(value)
        text = str(value) if plain else json.dumps(value, ensure_ascii=False, default=_builtin)
    except (TypeError, ValueError, RecursionError):
        return "(a value that cannot be shown here)"
    text = _LINE_END.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text.encode("utf-8", "replace").decode("utf-8")


def _builtin(value: object) -> object:
    """Mappings and sequences that are not dicts and lists, as those."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"not JSON: {type(value).__name__}")


def _shortened(text: str) -> str:
    hidden = len(text) - VALUE_LIMIT
    return text if hidden <= 0 else f"{text[:VALUE_LIMIT]}... ({hidden} more characters)"
