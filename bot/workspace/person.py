"""A person at their Slack client: types commands, presses buttons, fills in modals. Sees only what Slack would show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.workspace import payloads
from bot.workspace.attempts import Delivery, Reply
from bot.workspace.blockkit.entering import entered, holds_state, refusal
from bot.workspace.blockkit.reading import Button
from bot.workspace.channels import Channel
from bot.workspace.deliveries import Deliveries
from bot.workspace.errors import CannotSee, Deactivated, Gone, WorkspaceError
from bot.workspace.events import Events
from bot.workspace.handles import Message, View, buttons_below, pick_button, pick_field
from bot.workspace.messages import StoredMessage
from bot.workspace.modals import StoredView, view_json
from bot.workspace.outcomes import ClickAnswer, CommandAnswer, SubmitAnswer
from bot.workspace.people import User
from bot.workspace.posting import person_message
from bot.workspace.replies import plain_answer, slash_answer, submission_answer
from bot.workspace.shapes import Json
from bot.workspace.view_changes import clear_stack, remove_view
from bot.workspace.world import UserError, World

_NAME = re.compile(r"(?<![\w<])([@#])([a-z0-9][a-z0-9._-]*[a-z0-9]|[a-z0-9])")


class Person:
    """One user, acting. Every action raises Deactivated for a deactivated account."""

    def __init__(self, world: World, deliveries: Deliveries, events: Events, user: User) -> None:
        self.world = world
        self.user = user
        self._deliveries = deliveries
        self._events = events

    @property
    def id(self) -> str:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.name

    # What they see

    @property
    def view(self) -> View | None:
        """The modal in front of them."""
        top = self.world.stack(self.id).top
        return View.of(self.world, top) if top else None

    @property
    def modals(self) -> list[View]:
        """Their open modals, the first at the bottom."""
        return [View.of(self.world, view) for view in self.world.stack(self.id).views]

    @property
    def home(self) -> View | None:
        """Their App Home as last published."""
        home = self.world.homes.get(self.id)
        return View.of(self.world, home) if home else None

    @property
    def ephemerals(self) -> list[Message]:
        """Private messages shown to them, oldest first."""
        return [Message.of(self.world, m) for m in self.world.ephemerals if m.ephemeral_for == self.id]

    @property
    def direct(self) -> list[Message]:
        """Their direct messages with the bot, replies too, oldest first."""
        held = [c for c in self.world.channels.values() if c.im_user == self.id]
        return [Message.of(self.world, m) for channel in held for m in channel.messages.values()]

    @property
    def errors(self) -> list[UserError]:
        """The errors Slack showed them."""
        return [e for e in self.world.user_errors if e.user == self.id]

    def message(self, channel: str, ts: str) -> Message:
        """A message in a channel, or in their direct message with the bot (`@signoff`), that they see. Gone."""
        held = self._channel(channel).messages.get(ts)
        if held is None:
            raise Gone("message", f"{ts} in {channel}", [])
        return Message.of(self.world, held)

    # Talking

    async def command(self, command: str, text: str = "", *, channel: str = "#general") -> CommandAnswer:
        """Type a slash command in a channel, or in the direct message with the bot (`@signoff`).

        People of other teams cannot use the app's commands, and unknown commands are refused: see `refused`.
        """
        where = self._channel(channel)
        answer = CommandAnswer(self.world, self.id, self.world.changes.count, None)
        known = self.world.app.commands.get(command)
        if known is None or self.user.team_id != self.world.team.id:
            answer.refused = f"{command} is not a valid command."
            self.world.show_error(self.id, "not_a_command", command)
            return answer
        typed = self._with_ids(text.strip()) if known.should_escape else text.strip()
        payload = payloads.slash_command(self.world, self.user, where, command, typed)
        answer.reply = await self._deliveries.send(Delivery("slash_commands", payload))
        message = slash_answer(self.world, payload, answer.reply)
        answer.message = Message.of(self.world, message) if message else None
        return answer

    def _with_ids(self, text: str) -> str:
        """`@maria` and `#general` as the escaped form that carries id and name."""
        groups = {g.handle: f"<!subteam^{g.id}|@{g.handle}>" for g in self.world.groups.values()}
        users = {u.name: f"<@{u.id}|{u.name}>" for u in self.world.users.values()}
        channels = {c.name: f"<#{c.id}|{c.name}>" for c in self.world.channels.values() if not c.is_im}
        known = {"@": groups | users, "#": channels}
        return _NAME.sub(lambda m: known[m[1]].get(m[2], m[0]), text)

    async def say(self, text: str, channel: str = "#general", *, thread: Message | None = None) -> Message:
        """Post a message; its events have had their first attempt when this returns."""
        where = self._channel(channel) if thread is None else self.world.channels[thread.channel_id]
        root = (thread.thread_ts or thread.ts) if thread else None
        typed = re.sub(r"<(@[A-Z0-9]+|#[A-Z0-9]+|!subteam\^[A-Z0-9]+)\|[^>]*>", r"<\1>", self._with_ids(text))
        message = person_message(self.world, where, self.user, typed, root)
        await self._events.idle()
        return Message.of(self.world, message)

    async def mention(self, text: str, channel: str = "#general", *, thread: Message | None = None) -> Message:
        """Post a message that begins with a mention of the bot."""
        return await self.say(f"<@{self.world.app.bot_user}> {text}", channel, thread=thread)

    async def dm(self, text: str, *, thread: Message | None = None) -> Message:
        """Write to the bot directly."""
        self._may_act()
        return await self.say(text, self.world.direct_message(self.user).id, thread=thread)

    async def open_home(self, tab: str = "home") -> View | None:
        """Open the app's Home (or its `messages` tab), and return what is shown once the app was told."""
        self._may_act()
        channel = self.world.direct_message(self.user)
        event: Json = {"type": "app_home_opened", "user": self.id, "channel": channel.id, "tab": tab}
        event["event_ts"] = payloads.now_ts(self.world)
        if tab == "home" and self.home:
            event["view"] = view_json(self.home.stored)
        self.world.on_event(event, channel)
        await self._events.idle()
        return self.home

    def read(self, channel: str, ts: str, thread: str = "") -> None:
        """Take what stands in a conversation, or in a thread of it, as read up to a message."""
        if self.world.read_marks.mark(self.user, self._channel(channel), ts, thread):
            self.world.changes.happened()

    # Pressing and choosing

    async def click(
        self, target: Message | View, button: str, *, block: str | None = None, of: str = "", confirm: bool = True
    ) -> ClickAnswer:
        """Press a button as it is now, named by label or action_id, and where several are called so by its block, or by
        words that stand above it. `confirm` answers a confirmation dialogue.
        """
        current = self._current(target)
        return await self._press(current, pick_button(buttons_below(current, of), button, block), confirm)

    async def click_stale(self, copy: Message, button: str) -> ClickAnswer:
        """Press a button of a copy that the person's client still shows, though the message may have changed since."""
        self._see_channel(copy)
        return await self._press(copy, pick_button(copy.buttons, button), confirm=True)

    async def _press(self, target: Message | View, button: Button, confirm: bool) -> ClickAnswer:
        answer = ClickAnswer(self.world, self.id, self.world.changes.count, None)
        if button.asks_first and not confirm:
            return answer
        entry = payloads.action(self.world, button.block_id, button.element)
        answer.reply = await self._act(target, entry)
        return answer

    async def choose(self, target: Message | View, field: str, value: Any, *, block: str | None = None) -> ClickAnswer:
        """Choose in a select, menu, picker or input (by label, placeholder, block_id or action_id).

        The app is told at once where the element does that; otherwise the value only stands in the view.
        """
        current = self._current(target)
        found = pick_field(current.fields, field, block)
        held = entered(found.element, value, self._resolve)
        answer = ClickAnswer(self.world, self.id, self.world.changes.count, None)
        if holds_state(found):
            self._keep(current, found.block_id, found.action_id, held)
        if found.dispatches:
            entry = payloads.action(self.world, found.block_id, found.element, held)
            answer.reply = await self._act(current, entry)
        return answer

    def _keep(self, target: Message | View, block_id: str, action_id: str, value: Json) -> None:
        if isinstance(target, View):
            values = target.stored.values
        else:
            key = (self.id, target.channel_id, target.ts)
            values = self.world.entered.setdefault(key, {})
        values.setdefault(block_id, {})[action_id] = value

    async def _act(self, target: Message | View, entry: Json) -> Reply:
        if isinstance(target, View):
            payload = payloads.view_action(self.world, self.user, target.stored, [entry])
        else:
            payload = payloads.message_action(self.world, self.user, _as_shown(target), [entry])
        reply = await self._deliveries.send(Delivery("interactive", payload))
        plain_answer(self.world, self.id, reply, f"the action {entry['action_id']}")
        return reply

    async def shortcut(self, callback_id: str) -> ClickAnswer:
        """Use a global shortcut."""
        self._may_act()
        return await self._use(payloads.shortcut(self.world, self.user, callback_id))

    async def message_shortcut(self, callback_id: str, message: Message) -> ClickAnswer:
        """Use a shortcut on a message."""
        current = self._current(message)
        assert isinstance(current, Message)
        return await self._use(payloads.message_shortcut(self.world, self.user, callback_id, current.stored))

    async def _use(self, payload: Json) -> ClickAnswer:
        started = self.world.changes.count
        reply = await self._deliveries.send(Delivery("interactive", payload))
        plain_answer(self.world, self.id, reply, f"the shortcut {payload['callback_id']}")
        return ClickAnswer(self.world, self.id, started, reply)

    # Modals

    def fill(self, view: View, values: Mapping[str, Any]) -> None:
        """Enter values into a modal, by label, block_id or action_id, without submitting it."""
        current = self._current(view)
        for name, value in values.items():
            found = pick_field(current.fields, name)
            self._keep(current, found.block_id, found.action_id, entered(found.element, value, self._resolve))

    def enter(self, target: Message | View, values: Mapping[str, Mapping[str, Any]]) -> None:
        """Enter values under block_id and action_id, as a client does that holds them until something is sent."""
        current = self._current(target)
        for block_id, entries in values.items():
            for action_id, value in entries.items():
                found = pick_field(current.fields, action_id, block_id)
                self._keep(current, block_id, action_id, entered(found.element, value, self._resolve))

    async def fill_and_submit(self, view: View, values: Mapping[str, Any]) -> SubmitAnswer:
        """Enter values and submit. What Slack's client would refuse is not delivered and stands in `errors`."""
        self.fill(view, values)
        return await self.submit(view)

    async def submit(self, view: View) -> SubmitAnswer:
        """Press the modal's submit button."""
        current = self._current(view)
        assert isinstance(current, View)
        if current.submit_label is None:
            raise WorkspaceError(f"the modal {current.title!r} has no submit button")
        stored = current.stored
        answer = SubmitAnswer(self.world, self.id, self.world.changes.count, None)
        for field in current.fields:
            why = refusal(field, stored.values[field.block_id][field.action_id]) if holds_state(field) else None
            if why and field.in_input_block:
                answer.errors[field.block_id] = why
        if answer.errors:
            return answer
        stored.errors = {}
        payload = payloads.view_submission(self.world, self.user, stored)
        answer.reply = await self._deliveries.send(Delivery("interactive", payload))
        submission_answer(self.world, stored, answer.reply)
        answer.errors = dict(stored.errors)
        answer.closed = stored not in self.world.stack(self.id).views
        return answer

    async def close(self, view: View, *, everything: bool = False) -> ClickAnswer:
        """Press Cancel on a modal, or the X that closes the whole stack; delivered if the app asked to be told."""
        current = self._current(view)
        if not isinstance(current, View) or current.type != "modal":
            raise WorkspaceError("only a modal can be closed")
        answer = ClickAnswer(self.world, self.id, self.world.changes.count, None)
        stack = self.world.stack(self.id).views
        everything = everything or current.stored.clear_on_close
        told: StoredView = stack[0] if everything else stack[-1]
        if everything:
            clear_stack(self.world, self.id)
        else:
            remove_view(self.world, told)
        if not told.notify_on_close:
            return answer
        payload = payloads.view_closed(self.world, self.user, told, is_cleared=everything)
        answer.reply = await self._deliveries.send(Delivery("interactive", payload))
        plain_answer(self.world, self.id, answer.reply, f"the closing of {told.callback_id}")
        return answer

    # What they may do

    def _may_act(self) -> None:
        if self.user.deleted:
            raise Deactivated(self.name)

    def _channel(self, name: str) -> Channel:
        self._may_act()
        own = name == f"@{self.world.app.name}"
        channel = self.world.direct_message(self.user) if own else self.world.channel_named(name)
        if not self.world.can_see(self.user, channel):
            raise CannotSee(self.name, f"#{channel.name}")
        return channel

    def _see_channel(self, message: Message) -> None:
        self._may_act()
        if message.ephemeral:
            if message.stored.ephemeral_for != self.id:
                raise CannotSee(self.name, "a private message to someone else")
            return
        channel = self.world.channels[message.channel_id]
        if not self.world.can_see(self.user, channel):
            raise CannotSee(self.name, f"#{channel.name}")

    def _current(self, target: Message | View) -> Message | View:
        """What the person sees now in place of the snapshot; Gone or CannotSee if they see nothing there."""
        self._may_act()
        if isinstance(target, Message):
            self._see_channel(target)
            message = target.now()
            if message is None:
                raise Gone("message", "that was there", [])
            return message
        if target.type == "home":
            if self.home is None or self.home.id != target.id:
                raise CannotSee(self.name, "someone else's App Home")
            return self.home
        if self.view is None or self.view.id != target.id:
            raise CannotSee(self.name, f"the modal {target.title!r}: it is not in front of them")
        return self.view

    def _resolve(self, name: str) -> str:
        if name.startswith("#"):
            return self.world.channel_named(name).id
        return self.world.user_named(name).id if name not in self.world.channels else name


def _as_shown(message: Message) -> StoredMessage:
    """The message with the content of the snapshot: what the person's client showed when they pressed."""
    held = message.stored
    copy = StoredMessage(held.channel, held.ts, held.author, message.text, message.blocks, held.team)
    copy.bot_id, copy.app_id, copy.thread_ts = held.bot_id, held.app_id, held.thread_ts
    copy.attachments, copy.edited, copy.ephemeral_for = message.attachments, message.edited, held.ephemeral_for
    return copy
