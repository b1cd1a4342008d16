"""What can go wrong in the local workspace, as types that carry the facts."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A Web API call is refused with Slack's error code; `extra` is merged into the answer's JSON object."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


class WorkspaceError(Exception):
    """A test or the page asked for something that a person in this workspace cannot do or that does not exist."""


class NotFound(WorkspaceError):
    """No person, channel, message, view, button or field of that name; the message lists what there is."""

    def __init__(self, kind: str, wanted: str, known: list[str]) -> None:
        super().__init__(f"no {kind} {wanted!r}; there is: {', '.join(known) or 'none'}")
        self.kind = kind
        self.wanted = wanted
        self.known = known


class Gone(NotFound):
    """What somebody acted on was there when their page was drawn, and is not any more."""


class CannotSee(WorkspaceError):
    """The person is not shown what they were asked to act on, so Slack would give them nothing to press."""

    def __init__(self, person: str, thing: str) -> None:
        super().__init__(f"{person} cannot see {thing}")
        self.person = person
        self.thing = thing


class Deactivated(WorkspaceError):
    """The person's account is deactivated: they cannot sign in, so they cannot act."""

    def __init__(self, person: str) -> None:
        super().__init__(f"{person} is deactivated and cannot do anything in Slack")
        self.person = person


class WrongChoice(WorkspaceError):
    """The value does not fit the element it was entered into; no Slack client would let a person do that."""

    def __init__(self, element: str, value: Any, why: str) -> None:
        super().__init__(f"{value!r} cannot be entered into {element}: {why}")
        self.element = element
        self.value = value
