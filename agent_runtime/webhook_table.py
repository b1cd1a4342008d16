"""The `[[webhook]]` tables of the policy file into models. Owns their grammar; secrets never stand in the file, and no
fault repeats what may be one."""

from __future__ import annotations

import re
from difflib import get_close_matches
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from agent_runtime.audit import Event
from agent_runtime.errors import TextError, quoted
from agent_runtime.toml_reader import TableReader
from agent_runtime.webhook import Webhook

BEGINS = "whsec_"
"""How every secret begins."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
_MEND = 'Put the secret into the environment, and the name of its variable here, as secret_env = "CRM_SECRET"'


def read_all(tables: list[TableReader]) -> tuple[Webhook, ...]:
    """Every webhook of the file, in order, with fallbacks in place of what is wrong."""
    found: list[Webhook] = []
    for table in tables:
        webhook = _read(table)
        if webhook.name and any(webhook.name == other.name for other in found):
            table.fault("name", f"{quoted(webhook.name)} is the name of another webhook", "Give each a name of its own")
        found.append(webhook)
    return tuple(found)


def parse_url(url: str) -> str:
    """The address of a receiver, without a password. Raises `TextError`, which does not repeat the address: its path
    may be all that protects it."""
    if not _is_web_address(url):
        raise TextError("is not a web address", "Write it as https://example.com/signoff")
    if "@" in urlsplit(url).netloc:
        raise TextError("has a password in it", "Leave it out: the receiver knows Signoff by the signature")
    return url


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not match, a port that is no number
        return False
    return named and not parts.fragment and url.isascii() and not any(character <= " " for character in url)


def require_encrypted(url: str, *, allow_private: bool) -> None:
    """Raises `TextError` where events would be readable on their way through the internet."""
    if urlsplit(url).scheme == "http" and not allow_private:
        mend = "Use https; http is for receivers on this machine or in a private network, with allow_private = true"
        raise TextError("would send events unencrypted", mend)


def _read(table: TableReader) -> Webhook:
    allow_private = table.flag("allow_private")
    webhook = Webhook(
        name=_name(table),
        secret_env=_secret_env(table),
        url=_url(table, allow_private=allow_private),
        url_env=_variable(table, "url_env", "holds the address itself", 'Write it as url = "https://..."'),
        events=table.texts("events", _pattern),
        allow_private=allow_private,
    )
    if table.has("url") == table.has("url_env"):
        said = "stands beside url_env" if table.has("url") else "is missing, so there is nowhere to send events to"
        mend = "Keep one of them" if table.has("url") else 'Add url = "https://example.com/signoff", or url_env'
        table.fault("url", said, mend)
    table.done()
    return webhook


def _name(table: TableReader) -> str:
    if not table.has("name"):
        table.fault("name", "is missing", 'Give the webhook a name, as name = "crm"')
    return table.parsed("name", _plain_name)


def _plain_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise TextError(f"{quoted(text)} is not a name", 'Use up to 40 of a-z, 0-9 and "-", as name = "crm"')
    return text


def _secret_env(table: TableReader) -> str:
    if table.has("secret"):
        table.raw("secret")
        table.fault("secret", "would stand in the file, which is no place for a secret", _MEND)
    elif not table.has("secret_env"):
        table.fault("secret_env", "is missing, and every event is signed", _MEND)
    return _variable(table, "secret_env", "holds a secret", _MEND)


def _variable(table: TableReader, key: str, instead: str, mend: str) -> str:
    """The name of an environment variable. What is something else is not repeated."""

    def parse(text: str) -> str:
        if text.startswith((BEGINS, "http://", "https://")):
            raise TextError(f"{instead}, and not the name of an environment variable", mend)
        if not _VARIABLE.fullmatch(text):
            raise TextError("is not the name of an environment variable", "Use A-Z, 0-9 and _, as CRM_SECRET")
        return text

    return table.parsed(key, parse)


def _url(table: TableReader, *, allow_private: bool) -> str:
    def parse(text: str) -> str:
        url = parse_url(text)
        require_encrypted(url, allow_private=allow_private)
        return url

    return table.parsed("url", parse)


def _pattern(text: str) -> str:
    """A pattern that at least one event matches."""
    pattern = text.strip()
    events = [event.value for event in Event]
    if not any(fnmatchcase(event, pattern) for event in events):
        near = get_close_matches(pattern, [*events, *(f"{event.partition('.')[0]}.*" for event in events)], n=1)
        mend = f'Did you mean "{near[0]}"?' if near else 'Write "request.*", say, or remove the key for every event'
        raise TextError(f"{quoted(text)} is no event", mend)
    return pattern
