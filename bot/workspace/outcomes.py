"""What came of a person's action: the app's answer, and what it has made them see since."""

from __future__ import annotations

from bot.workspace.attempts import Reply
from bot.workspace.handles import Message, View
from bot.workspace.world import World


class Outcome:
    """The outcome of one action. Its properties look at the present, so what arrives after the answer shows too."""

    def __init__(self, world: World, user: str, started: int, reply: Reply | None) -> None:
        self.world = world
        self.reply = reply
        self._user = user
        self._started = started

    @property
    def delivered(self) -> bool:
        """Whether the app was told at all."""
        return self.reply is not None

    @property
    def status(self) -> int | None:
        """The HTTP status of the app's answer; None if none came in time."""
        return self.reply.status if self.reply else None

    @property
    def error(self) -> str | None:
        """What Slack shows the person instead of an effect: `operation_timeout`, `dispatch_failed`, ..."""
        if self.reply is None or self.reply.status == 200:
            return None
        return self.reply.error if self.reply.error == "operation_timeout" else "dispatch_failed"

    @property
    def ok(self) -> bool:
        return self.delivered and self.error is None

    @property
    def view(self) -> View | None:
        """The modal on top, if it was opened or changed since the action."""
        top = self.world.stack(self._user).top
        return View.of(self.world, top) if top and top.changed > self._started else None

    @property
    def ephemerals(self) -> list[Message]:
        """The private messages shown to the person since the action."""
        held = self.world.ephemerals
        since = [m for m in held if m.ephemeral_for == self._user and m.changed > self._started]
        return [Message.of(self.world, m) for m in since]


class ClickAnswer(Outcome):
    """The outcome of pressing a button, choosing an option or using a shortcut."""


class CommandAnswer(Outcome):
    """The outcome of a slash command. `refused`: Slack itself said no and the app was not told."""

    def __init__(self, world: World, user: str, started: int, reply: Reply | None) -> None:
        super().__init__(world, user, started, reply)
        self.message: Message | None = None
        """What the answer itself showed."""
        self.refused: str | None = None

    @property
    def text(self) -> str:
        """What the answer itself said, as a person reads it; empty where it said nothing."""
        return self.message.plain() if self.message else ""


class SubmitAnswer(Outcome):
    """The outcome of submitting a modal. `errors` by block_id; from Slack's own client if not delivered."""

    def __init__(self, world: World, user: str, started: int, reply: Reply | None) -> None:
        super().__init__(world, user, started, reply)
        self.errors: dict[str, str] = {}
        self.closed = False
        """Whether the submitted modal is gone."""
