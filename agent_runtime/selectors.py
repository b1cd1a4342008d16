"""Selectors: how a policy names people. Owns their text form; whom they mean is the directory's to say.

user:U0123            one person, by member id
usergroup:managers    the members of a user group, by handle or by id (`usergroup:S0123`)
channel:#approvers    the members of a channel, by name or by id (`channel:C0123`)
email:ana@x.example   one person, by e-mail address; only where the file switches that on
starter:              whoever started the run; used by Signoff itself, never written in the file
members               every full member of the workspace; only where it says who may start an agent
"""

from __future__ import annotations

import re

from agent_runtime.errors import TextError, quoted

Selector = str
"""A selector in its canonical text form, as `parse_selector` returns it."""

STARTER: Selector = "starter:"
MEMBERS: Selector = "members"

_FORMS = {
    "user": re.compile(r"[UW][A-Z0-9]{1,20}"),
    "usergroup": re.compile(r"S[A-Z0-9]{1,20}|[^\W_A-Z][^\s@#:,<>A-Z]{0,79}"),
    "channel": re.compile(r"[CG][A-Z0-9]{1,20}|#[^\s@#:,<>A-Z]{1,80}"),
    "email": re.compile(r"[^\s@<>:,;\"A-Z]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?\.[a-z]{2,63}"),
}
_MENDS = {
    "user": "Write the member id, as user:U0123 (in Slack: the person's profile, Copy member ID)",
    "usergroup": "Write the group's handle without @, as usergroup:managers, or its id, as usergroup:S0123",
    "channel": "Write the channel's name in lower case with #, as channel:#approvers, or its id, as channel:C0123",
    "email": "Write the whole address in lower case, as email:ana@example.com",
}
_NOUNS = {"user": "person", "usergroup": "user group", "channel": "channel", "email": "person with an address"}
_ANY = "Write user:U0123, usergroup:managers or channel:#approvers"


def parse_selector(text: str) -> Selector:
    """The canonical form of a selector: blanks around it and around its colon removed. Raises `TextError`."""
    kind, colon, name = (part.strip() for part in text.partition(":"))
    if kind == "starter" and colon and not name:
        return STARTER
    if kind not in _FORMS or not colon:
        raise TextError(f"{quoted(text)} does not say whom it means", _ANY)
    if not _FORMS[kind].fullmatch(name):
        raise TextError(f"{quoted(name)} is not the name or id of a {_NOUNS[kind]}", _MENDS[kind])
    return f"{kind}:{name}"


def parse_channel(text: str) -> str:
    """A channel a card can go to, `#approvals` or `C0123`. Raises `TextError`."""
    name = text.strip()
    if not _FORMS["channel"].fullmatch(name):
        mend = 'Write its name in lower case with #, as "#approvals", or its id, as "C0123"'
        raise TextError(f"{quoted(text)} is not the name or id of a channel", mend)
    return name
