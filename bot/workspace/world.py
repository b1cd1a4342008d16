"""The state of the workspace: who is in it, what was said, what is open. No HTTP here; every change is announced."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent_runtime.clock import Clock, SystemClock
from bot.workspace.changes import Changes
from bot.workspace.channels import Channel
from bot.workspace.errors import NotFound
from bot.workspace.installation import SOCKET_PATH, Installation, ResponseUrl, Trigger
from bot.workspace.messages import StoredMessage
from bot.workspace.mint import HEX, Mint
from bot.workspace.modals import Stack, StoredView, Values
from bot.workspace.people import Team, User, UserGroup
from bot.workspace.read_marks import ReadMarks
from bot.workspace.shapes import Json

TRIGGER_LIFE = timedelta(seconds=3)
TICKET_LIFE = timedelta(seconds=30)


@dataclass(frozen=True)
class UserError:
    """An error that Slack showed a person. `code`: `operation_timeout`, `dispatch_failed`, `not_a_command`, ..."""

    user: str
    code: str
    about: str


class World:
    """One workspace with one installed app. Single-threaded: it belongs to one event loop.

    The app's token and secrets depend on the seed alone; other ids also on when the world began, so that a restarted
    workspace does not repeat the ids of its events. `on_event` is called with each inner event and its channel (None:
    no channel); whoever delivers events sets it.
    """

    def __init__(self, team: Team, clock: Clock | None = None, seed: str | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self._seed = seed if seed is not None else secrets.token_hex(8)
        self.mint = Mint(f"{self._seed}:{self.clock.now().isoformat()}")
        self.changes = Changes()
        self.born = self.clock.now().isoformat()
        """When it began. A page that sees another value looks at another world."""
        self.team = team
        self.origin = ""
        """Where this workspace is served, `http://127.0.0.1:PORT`; response_urls and upload addresses start with it."""
        self.teams: dict[str, Team] = {team.id: team}
        self.users: dict[str, User] = {}
        self.groups: dict[str, UserGroup] = {}
        self.channels: dict[str, Channel] = {}
        self.ephemerals: list[StoredMessage] = []
        self.stacks: dict[str, Stack] = {}
        self.homes: dict[str, StoredView] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.tickets: dict[str, datetime] = {}
        """The rights to open a connection that nobody has used, and since when."""
        self.files: dict[str, Json] = {}
        self.entered: dict[tuple[str, str, str], Values] = {}
        """What a person chose in a message's elements, by user, channel and ts."""
        self.read_marks = ReadMarks()
        self.page_size: int | None = None
        """Makes every list come in pages of at most so many items, whatever limit the app asks for."""
        self.problems: list[str] = []
        self.user_errors: list[UserError] = []
        self.on_event: Callable[[Json, Channel | None], None] = lambda _event, _channel: None
        self.app = self._install()

    def _install(self) -> Installation:
        mint = Mint(self._seed)
        app = Installation(
            app_id="A0SIGNOFF01",
            bot_id="B0SIGNOFF01",
            bot_user="U0SIGNOFF01",
            name="signoff",
            team_id=self.team.id,
            bot_token=f"xoxb-{mint.chars(HEX, 24)}",
            app_token=f"xapp-1-A0SIGNOFF01-{mint.chars(HEX, 24)}",
            signing_secret=mint.chars(HEX, 32),
            verification_token=mint.chars(HEX, 24),
        )
        bot = User(app.bot_user, self.team.id, app.name, "Signoff", is_bot=True, bot_id=app.bot_id, app_id=app.app_id)
        self.users[bot.id] = bot
        return app

    # Finding things

    def user_named(self, name: str) -> User:
        """The user with that handle (`ana` or `@ana`) or id; NotFound otherwise."""
        wanted = name.removeprefix("@")
        for user in self.users.values():
            if wanted in (user.name, user.id):
                return user
        raise NotFound("person", name, [u.name for u in self.users.values()])

    def channel_named(self, name: str) -> Channel:
        """The channel with that name (`general` or `#general`) or id; `@ana` is her direct message; NotFound."""
        if name.startswith("@"):
            return self.direct_message(self.user_named(name))
        wanted = name.removeprefix("#")
        for channel in self.channels.values():
            if wanted == channel.id or (wanted == channel.name and not channel.is_im):
                return channel
        raise NotFound("channel", name, [c.name for c in self.channels.values()])

    def group_named(self, handle: str) -> UserGroup:
        wanted = handle.removeprefix("@")
        for group in self.groups.values():
            if wanted in (group.handle, group.id):
                return group
        raise NotFound("user group", handle, [g.handle for g in self.groups.values()])

    def label(self, id_: str) -> str:
        """What a reader sees for an id: `@maria`, `#general`, `@finance`; an unknown id stays itself."""
        if id_ in self.users:
            return "@" + self.users[id_].name
        if id_ in self.channels:
            return "#" + self.channels[id_].name
        return "@" + self.groups[id_].handle if id_ in self.groups else id_

    def channel_ids(self) -> dict[str, str]:
        """Name to id of the public channels: what `#name` in a text can become."""
        return {c.name: c.id for c in self.channels.values() if c.kind == "public_channel"}

    def view_with_id(self, view_id: str) -> StoredView | None:
        for view in self.all_views():
            if view.id == view_id:
                return view
        return None

    def all_views(self) -> list[StoredView]:
        return [v for stack in self.stacks.values() for v in stack.views] + list(self.homes.values())

    def stack(self, user: str) -> Stack:
        return self.stacks.setdefault(user, Stack())

    # Who sees what

    def can_see(self, user: User, channel: Channel) -> bool:
        """Members see a channel; full members of the team see its public channels without joining."""
        if user.id in channel.members:
            return True
        insider = user.team_id == self.team.id and not user.is_restricted and not user.is_ultra_restricted
        return insider and channel.kind == "public_channel"

    def bot_sees(self, channel: Channel) -> bool:
        return channel.kind == "public_channel" or self.app.bot_user in channel.members

    # Changing things

    def direct_message(self, user: User) -> Channel:
        """The conversation between the bot and a person, made on first use."""
        for channel in self.channels.values():
            if channel.im_user == user.id:
                return channel
        channel = Channel(
            self.mint.id("D0"), "directmessage", self.team.id, [user.id, self.app.bot_user], is_im=True, im_user=user.id
        )
        channel.created = int(self.clock.now().timestamp())
        self.channels[channel.id] = channel
        self.changes.happened()
        return channel

    def add_message(self, channel: Channel, message: StoredMessage) -> None:
        channel.add(message)
        self.touch(message)

    def touch(self, thing: StoredMessage | StoredView) -> None:
        """Mark a message or view as just written and tell the waiting."""
        thing.changed = self.changes.count + 1
        self.changes.happened()

    def add_ephemeral(self, message: StoredMessage) -> None:
        self.ephemerals.append(message)
        self.touch(message)

    def join(self, channel: Channel, user: User, inviter: str | None = None) -> None:
        """Make the user a member, and announce it; nothing if they are one."""
        if user.id in channel.members:
            return
        channel.members.append(user.id)
        if user.team_id != self.team.id and user.team_id not in channel.shared_with:
            channel.shared_with.append(user.team_id)
        self.changes.happened()
        letter = "G" if channel.is_private else "C"
        event = {"type": "member_joined_channel", "user": user.id, "channel": channel.id, "channel_type": letter}
        event |= {"team": user.team_id} | ({"inviter": inviter} if inviter else {})
        self.on_event(event, channel)

    def leave(self, channel: Channel, user: User) -> None:
        """End a membership, and announce it; nothing if there is none."""
        if user.id not in channel.members:
            return
        channel.members.remove(user.id)
        self.changes.happened()
        letter = "G" if channel.is_private else "C"
        event = {"type": "member_left_channel", "user": user.id, "channel": channel.id, "channel_type": letter}
        self.on_event(event | {"team": user.team_id}, channel)

    def trigger(self, user: str, view_id: str | None = None) -> Trigger:
        """A fresh right to open a view."""
        now = self.clock.now()
        trigger = Trigger(self.mint.trigger_id(now), user, now, view_id)
        self.triggers[trigger.id] = trigger
        return trigger

    def response_url(self, kind: str, user: str, channel: str, message: StoredMessage | None = None) -> ResponseUrl:
        """A fresh response_url; `kind` is `commands`, `actions` or `app`."""
        hook = ResponseUrl(self.mint.hook_path(kind, self.team.id), user, channel, self.clock.now())
        if message is not None:
            hook.message_ts = message.ts
            hook.ephemeral = message.ephemeral_for is not None
            hook.thread_ts = message.thread_ts
        self.response_urls[hook.path] = hook
        return hook

    def socket_url(self) -> str:
        """A fresh address at which the app may open one connection, soon."""
        ticket = self.mint.client_msg_id()
        self.tickets[ticket] = self.clock.now()
        return f"{self.origin.replace('http', 'ws', 1)}{SOCKET_PATH}?ticket={ticket}&app_id={self.app.app_id}"

    def use_ticket(self, ticket: str) -> bool:
        """Whether this ticket opens a connection; only once it does."""
        made = self.tickets.pop(ticket, None)
        return made is not None and self.clock.now() - made <= TICKET_LIFE

    def show_error(self, user: str, code: str, about: str) -> None:
        """Show a person that their action failed."""
        self.user_errors.append(UserError(user, code, about))
        self.changes.happened()

    def problem(self, text: str) -> None:
        """Record that the app said something Slack would not understand, or would show nobody."""
        self.problems.append(text)
        self.changes.happened()
