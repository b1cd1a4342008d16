"""Redaction: what is never shown nor logged, and how it reads instead. Pure; every surface and the audit log use this.

A policy names places in the arguments by JSON pointers, the file names keys by patterns, and the usual kinds of secrets
are recognised wherever they stand. What takes their place says nothing about them, not even their length. Digests, and
what runs, stay over the call as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import count, islice
from typing import Any

from agent_runtime.errors import TextError, quoted
from storage.types import Json

MARK = "••• redacted"
SHORTEST_SECRET = 6
"""Characters of a redacted value that is also searched for in other texts; shorter ones are in every other word."""

KEYS = (
    "password", "passwd", "passphrase", "secret", "client_secret", "api_key", "apikey", "access_token",
    "refresh_token", "auth_token", "private_key", "authorization",
)  # fmt: skip
"""Names whose values are redacted in every file, whatever else it names."""

MOST_SECRETS = 500
"""So many redacted values of one call are searched for in other texts."""

DEEPEST = 64
_SCALAR = (str, int, float, type(None))

_KEY_LINE = (
    r"(?:Proc-Type: 4,ENCRYPTED|DEK-Info: [A-Z0-9-]{1,30},[0-9A-F]{1,64}|Version: [\w .()-]{1,60}"
    r"|[A-Za-z0-9+/=]{32,}+)"
)
_KEY_BLOCK = (
    r"-----BEGIN[A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    rf"(?:(?:\s|\\[nr])*+{_KEY_LINE})*+"
    r"(?:(?:(?:\s|\\[nr])*+[A-Za-z0-9+/=]{1,31}){0,2}(?:\s|\\[nr])*+-----END[A-Z ]{0,40}-----)?"
)
"""A private key in lines, or on one line: nothing else, because what is hidden in an argument is approved unseen."""

_KINDS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (hints, re.compile(pattern, re.DOTALL))
    for hints, pattern in (
        (("xox",), r"(?<![A-Za-z0-9])xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]+"),  # Slack: bots, people, apps, flows
        (("xapp-", "xwfp-"), r"(?<![A-Za-z0-9])(?:xapp|xwfp)-[A-Za-z0-9-]+"),
        (("hooks.slack",), r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/]+"),
        (("AKIA", "ASIA"), r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),  # Amazon
        (("AIza",), r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{30,}"),  # Google
        (("gh",), r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"),
        (("glpat-",), r"(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{16,}"),
        (("sk-",), r"(?<![A-Za-z0-9_-])sk-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,}"),  # model providers
        (("k_live_", "k_test_"), r"(?<![A-Za-z0-9])[sr]k_(?:live|test)_[A-Za-z0-9]{10,}"),  # payments
        (("eyJ",), r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{6,}+\.[A-Za-z0-9_-]{6,}+\.[A-Za-z0-9_-]*"),  # web tokens
        (("-----BEGIN",), _KEY_BLOCK),
        (("://",), r"(?<=://)(?P<before>[^\s/?#\\:@]*+:)[^\s/?#\\]+(?=@)"),  # the password in an address
        (("bearer", "basic"), r"(?<![A-Za-z0-9])(?P<before>(?i:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{12,}"),
    )
)
"""Kinds of secrets: each by texts of which it has one, in lower or its own case, which are quick to look for."""

_LONE_TILDE = re.compile(r"~(?![01])")


def check_pointer(text: str) -> str:
    """A JSON pointer into the arguments, such as `/card_number` or `/items/*/token`; `*` stands for every entry.
    Raises `TextError`."""
    pointer = text.strip()
    if not pointer.startswith("/") or pointer == "/":
        near = f"/{pointer.removeprefix('args.').replace('.', '/')}" if pointer.strip("/") else "/card_number"
        raise TextError(f"{quoted(text)} does not point into the arguments", f'Write "{near}"')
    if _LONE_TILDE.search(pointer):
        raise TextError(f"{quoted(text)} has a lone ~ in it", "Write ~0 for ~ and ~1 for / inside a name")
    return pointer


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without secrets: those given, and what looks like one."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MARK)
    if len(text) < SHORTEST_SECRET:
        return text
    lower = text.lower()
    for hints, pattern in _KINDS:
        if any(hint in text or hint in lower for hint in hints):
            text = pattern.sub(_masked, text)
    return text


def mask_deep(value: Any, secrets: Iterable[str] = ()) -> Any:
    """Any JSON value with every text in it masked."""
    return Redaction().apply(value, tuple(secrets))


_Paths = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is redacted in one call: JSON pointers into its arguments, and patterns of names at any depth."""

    pointers: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def apply(self, value: Any, secrets: tuple[str, ...] = ()) -> Any:
        """A copy that may be shown. Never raises; what is nested too deeply to be looked at is redacted whole."""
        return self._copy(value, _paths(self.pointers), secrets, 0)

    def args(self, args: Json | None) -> Json | None:
        """The arguments of a call as they may be shown; a value that stands elsewhere among them, too."""
        if args is None:
            return None
        shown: Json = self.apply(args, self.secrets(args))
        return shown

    def secrets(self, args: Json | None) -> tuple[str, ...]:
        """The redacted values of a call that are long enough to be searched for in other texts."""
        found = self._found(args, _paths(self.pointers), 0)
        long_enough = dict.fromkeys(text for text in found if len(text) >= SHORTEST_SECRET)
        return tuple(islice(long_enough, MOST_SECRETS))

    def repeated(self, args: Json) -> tuple[str, ...]:
        """The arguments in which a part is redacted only because it repeats a redacted value: by whose place and name
        it would be shown. Whoever makes the call chooses what that is."""
        secrets = self.secrets(args)
        if not secrets:
            return ()
        own, all_of_it = self.apply(args), self.apply(args, secrets)
        shown = zip(args, own.items(), all_of_it.items(), strict=True)
        return tuple(name for name, plain, hidden in shown if plain != hidden)

    def restore(self, edited: Any, original: Any) -> Any:
        """What a person made of `args(original)`, with the original's values where they left a redacted one alone."""
        return _restored(edited, original, self.args(original))

    def _copy(self, value: Any, paths: _Paths, secrets: tuple[str, ...], depth: int) -> Any:
        if isinstance(value, str):
            return mask(value, secrets)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return MARK if secrets and _written(value) in secrets else value
        if depth > DEEPEST:
            return MARK
        if isinstance(value, Mapping):
            copied: dict[Any, Any] = {}
            for key, inner in value.items():
                further = _further(paths, str(key))
                shown = MARK if self._is_hidden(key, further) else self._copy(inner, further, secrets, depth + 1)
                copied[_free(mask(key, secrets) if isinstance(key, str) else key, copied)] = shown
            return copied
        if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
            steps = ((_further(paths, str(place)), inner) for place, inner in enumerate(value))
            return [MARK if () in path else self._copy(inner, path, secrets, depth + 1) for path, inner in steps]
        return value

    def _found(self, value: Any, paths: _Paths, depth: int) -> Iterator[str]:
        """The texts and numbers that are redacted."""
        for key, inner in _members(value) if depth <= DEEPEST else ():
            if not paths and isinstance(key, int) and isinstance(inner, _SCALAR):
                continue
            further = _further(paths, str(key))
            if self._is_hidden(key, further):
                yield from _scalars(inner)
            else:
                yield from self._found(inner, further, depth + 1)

    def _is_hidden(self, key: object, further: _Paths) -> bool:
        return () in further or (isinstance(key, str) and is_secret_name(key, self.keys))


@lru_cache(maxsize=4096)
def is_secret_name(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name is one whose value is redacted, built in or by a pattern. Case, `-` and `_` make no difference."""
    lower = name.casefold()
    plain = _plain(lower)
    return plain in _PLAIN_KEYS or any(
        fnmatchcase(lower, pattern.casefold()) or fnmatchcase(plain, _plain(pattern.casefold())) for pattern in patterns
    )


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "")


_PLAIN_KEYS = frozenset(map(_plain, KEYS))


def _masked(found: re.Match[str]) -> str:
    """The mark, after what stands before a secret and is none."""
    return f"{found.groupdict().get('before') or ''}{MARK}"


def _paths(pointers: Iterable[str]) -> _Paths:
    """Each pointer as the names on its way."""
    split = (pointer.split("/")[1:] for pointer in pointers)
    return tuple(tuple(part.replace("~1", "/").replace("~0", "~") for part in parts) for parts in split)


def _further(paths: _Paths, name: str) -> _Paths:
    """What is left of the paths one step on; an empty one has arrived."""
    return tuple(path[1:] for path in paths if path and path[0] in (name, "*")) if paths else ()


def _members(value: Any) -> Iterator[tuple[object, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        yield from enumerate(value)


def _scalars(value: Any, depth: int = 0) -> Iterator[str]:
    """Every text and number in a redacted value, in the spellings in which it may stand in another text."""
    if isinstance(value, str):
        yield from (value, value.strip(), json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield _written(value)
    elif depth < DEEPEST:
        for _, inner in _members(value):
            yield from _scalars(inner, depth + 1)


def _written(number: float) -> str:
    try:
        return str(number)
    except ValueError:  # Python writes no more than some thousand digits
        return ""


def _free(key: Any, taken: Mapping[Any, Any]) -> Any:
    """A masked name that hides no other one."""
    if key not in taken:
        return key
    return next(named for number in count(2) if (named := f"{key} {number}") not in taken)


def _restored(edited: Any, original: Any, shown: Any) -> Any:
    if isinstance(edited, str) and MARK in edited and edited == shown:
        return original
    if isinstance(edited, Mapping) and isinstance(original, Mapping) and isinstance(shown, Mapping):
        names = dict(zip(shown, original, strict=True))
        return {
            names.get(key, key): _restored(inner, original[names[key]], shown[key]) if key in names else inner
            for key, inner in edited.items()
        }
    if isinstance(edited, list) and isinstance(original, Sequence) and isinstance(shown, list):
        places = _places(edited, shown)
        pairs = zip(edited, places, strict=True)
        return [one if at is None else _restored(one, original[at], shown[at]) for one, at in pairs]
    return edited


def _places(edited: list[Any], shown: list[Any]) -> list[int | None]:
    """Which entry of the shown list each entry of the edited one is, where it holds what is redacted: the only one that
    reads like it; that at its place, where all that read alike stayed at theirs; the one that alone was changed. None
    where that cannot be told: what belongs to one entry is not put into another."""
    now, before = [_text(one) for one in edited], [_text(one) for one in shown]
    here, there = _by_text(now), _by_text(before)
    changed = [at for at, texts in enumerate(zip(now, before, strict=False)) if texts[0] != texts[1]]

    def place(at: int, text: str) -> int | None:
        same = there.get(text, [])
        if len(same) == 1 and (len(here[text]) == 1 or same == [at]):
            return same[0]
        alone = not same and changed == [at] and len(now) == len(before)
        return at if alone or same == here[text] else None

    return [place(at, text) if MARK in text else None for at, text in enumerate(now)]


def _by_text(texts: list[str]) -> dict[str, list[int]]:
    """The places of each text."""
    found: dict[str, list[int]] = {}
    for at, text in enumerate(texts):
        found.setdefault(text, []).append(at)
    return found


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
