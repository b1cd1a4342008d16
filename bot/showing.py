"""Shows each kind of delivery: reads its rows, renders them, and has the message match."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

from agent_runtime.context import Asking
from agent_runtime.errors import SignoffError
from agent_runtime.outbound import Topic
from agent_runtime.runtime import Runtime
from bot.cards.blocks import Message
from bot.cards.group import Call, group_card
from bot.cards.inquiry import inquiry_card
from bot.cards.request import card
from bot.cards.run import run_card
from bot.cards.said import private_sentence, result_line, story_line
from bot.cards.text import mention
from bot.directory import Directory
from bot.labels import labelled
from bot.placing import (
    CardRows,
    Placing,
    Root,
    doubt_root,
    hurry_what_waited,
    note_number,
    read_card,
    read_inquiry_rows,
    read_note,
    read_run_rows,
    show_where_asked,
)
from bot.posting import PLACE_GONE, NoPlace, Place, Placed, Places, Posting, Render, shown_elsewhere
from bot.showing_alerts import AlertShowing
from bot.showing_steps import StepShowing
from bot.slack_calls import SlackCalls
from bot.slack_client import SlackClients, SlackRefused
from bot.standing_in import StandIns
from storage.models import Delivery
from storage.types import Json, RequestStatus

_NOT_THERE = PLACE_GONE | {"user_not_in_channel"}


class Unshowable(SignoffError):
    """This delivery can never be made: what it is about does not exist, or Slack cannot take it."""


class Showing:
    """Makes one delivery. What it returns is what people should know about a delivery that was made otherwise than
    wanted; empty where all is well."""

    def __init__(
        self, runtime: Runtime, clients: SlackClients, calls: SlackCalls, directory: Directory, approvals_channel: str
    ) -> None:
        self._db = runtime.db
        self._agents = runtime.agents
        self._auto_approve = runtime.asking is Asking.AUTO_APPROVE
        self._slack = clients.web
        self._calls = calls
        self._clock = runtime.clock
        self._directory = directory
        self._stand_ins = StandIns(runtime, directory)
        self._alerts = AlertShowing(runtime, clients, calls, directory, approvals_channel)
        self._steps = StepShowing(runtime, clients, calls, directory)
        self._placing = Placing(directory.channels, runtime.clock, approvals_channel)
        self._posting = Posting(runtime.db, clients, calls, runtime.clock, directory.identity)

    async def show(self, delivery: Delivery) -> str:
        """Make a delivery. Raises `Unshowable`, `NotYet`, `NoPlace`, `LeaseLost`, `SlackFailure`."""
        match delivery.kind:
            case Topic.CARD.value:
                return await self._card(delivery)
            case Topic.RUN.value:
                return await self._run(delivery)
            case Topic.NOTE.value:
                return await self._note(delivery)
            case Topic.INQUIRY.value:
                return await self._inquiry(delivery)
            case Topic.FYI.value:
                return await self._fyi(delivery)
            case Topic.NOTICE.value:
                return await self._notice(delivery)
            case Topic.REPLY.value:
                return await self._say(delivery)
            case Topic.REMINDER.value | Topic.DIRECT.value:
                return await self._steps.show(delivery)
            case Topic.ALERT.value | Topic.CALL.value | Topic.DIGEST.value:
                return await self._alerts.show(delivery)
        raise Unshowable(f"nobody knows how to deliver a {delivery.kind}")

    async def _card(self, delivery: Delivery) -> str:
        rows = await self._db.read(read_card, delivery.subject, delivery.key)
        if rows is None:
            raise Unshowable(f"there is no request {delivery.subject}")

        async def render(place: Place) -> Message:
            mentions = await self._mentions(rows)
            link = await self._placing.link(rows, place)
            newer = [await self._placing.newer_link(one) for one in rows.shown]
            views = [replace(one.view, auto_approve=self._auto_approve) for one in rows.shown]
            now = self._clock.now()
            if len(views) > 1:
                calls = [Call(*call) for call in zip(views, newer, strict=True)]
                return group_card(calls, now=now, mentions=mentions, thread_link=link)
            return card(views[0], now=now, mentions=mentions, thread_link=link, newer=newer[0])

        places = partial(self._placing.of_card, rows)
        placed = partial(show_where_asked, delivery=delivery, clock=self._clock)
        try:
            return await self._reply(delivery, rows.asked.run_id, rows.root, places, render, placed)
        except NoPlace:
            if rows.is_outdated:
                return ""  # it was never shown, or is gone
            raise

    async def _run(self, delivery: Delivery) -> str:
        rows = await self._db.read(read_run_rows, delivery.subject)
        if rows is None:
            raise Unshowable(f"there is no run {delivery.subject}")

        async def render(place: Place) -> Message:
            mentions: tuple[str, ...] = ()
            if rows.view.waiting_on:
                asked = rows.view.waiting_on[0]
                mentions = await self._directory.resolve_mentions(asked.asked_stage.approvers, rows.view.starter)
            channel = await self._placing.asked_in(rows, place)
            asked_in = mention(f"channel:{channel}") if channel else ""
            source = self._source(rows.origin, place)
            view = labelled(rows.view, self._agents)
            return run_card(view, mentions=mentions, source=source, asked_in=asked_in)

        placed = partial(hurry_what_waited, delivery=delivery, clock=self._clock)
        refusals = await self._posting.reconcile(delivery, partial(self._placing.of_run, rows), render, placed)
        return shown_elsewhere(refusals)

    async def _note(self, delivery: Delivery) -> str:
        rows = await self._db.read(read_note, delivery.subject, note_number(delivery))
        text = str(delivery.body.get("text") or "")
        message = result_line(rows.finished, text) if rows.finished else story_line(delivery.subject, text)

        async def render(_place: Place) -> Message:
            return message

        places = partial(self._placing.of_note, rows)
        placed = partial(hurry_what_waited, delivery=delivery, clock=self._clock)
        return await self._reply(delivery, delivery.subject, rows.root, places, render, placed)

    async def _inquiry(self, delivery: Delivery) -> str:
        """An approver's question, in the run's thread."""
        rows = await self._db.read(read_inquiry_rows, delivery.subject, delivery.key.partition(":")[2])
        if rows is None:
            raise Unshowable("there is no such question")

        async def render(_place: Place) -> Message:
            return inquiry_card(rows.inquiry, rows.view)

        return await self._reply(
            delivery, rows.view.run_id, rows.root, partial(self._placing.of_reply, rows.root), render
        )

    async def _fyi(self, delivery: Delivery) -> str:
        """A line to somebody who is told and not asked."""
        message = story_line(delivery.subject, str(delivery.body.get("text") or ""))

        async def render(_place: Place) -> Message:
            return message

        places = partial(self._placing.of_watcher, str(delivery.body.get("to") or ""))
        return shown_elsewhere(await self._posting.reconcile(delivery, places, render))

    async def _reply(
        self,
        delivery: Delivery,
        run_id: str,
        root: Root,
        places: Places,
        render: Render,
        placed: Placed | None = None,
    ) -> str:
        """Show what may stand in the run's thread; where that thread takes nothing, doubt its root and try again."""
        try:
            return shown_elsewhere(await self._posting.reconcile(delivery, places, render, placed))
        except NoPlace as nowhere:
            tried = {place.channel for place, _ in nowhere.refusals}
            if root.thread is None or root.thread.channel not in tried:
                raise
            await self._db.transact(doubt_root, run_id, self._clock)
            raise SlackRefused(nowhere.refusals[-1][1]) from nowhere

    async def _notice(self, delivery: Delivery) -> str:
        """Where the person clicked, visible to them only; in their direct messages where that cannot be."""
        body, urgency = delivery.body, delivery.priority
        message = _written(delivery)
        shown: dict[str, Any] = {"text": message.text, "blocks": list(message.blocks), "parse": "none"}
        user, channel, thread_ts = (str(body.get(name) or "") for name in ("user", "channel", "thread_ts"))
        if channel:
            call = partial(
                self._slack.chat_postEphemeral, channel=channel, user=user, thread_ts=thread_ts or None, **shown
            )
            try:
                await self._calls.make("chat.postEphemeral", call, urgency)
                return ""
            except SlackRefused as refused:
                if refused.code not in _NOT_THERE:
                    raise
        call = partial(self._slack.chat_postMessage, channel=user, unfurl_links=False, **shown)
        try:
            await self._calls.make("chat.postMessage", call, urgency, user)
        except SlackRefused as refused:
            if refused.code not in _NOT_THERE:
                raise
            raise NoPlace(((Place(user), refused.code),)) from refused
        return ""

    async def _say(self, delivery: Delivery) -> str:
        """What a message to us is answered, where it was written."""
        place = Place(*(str(delivery.body.get(name) or "") for name in ("channel", "thread_ts")))

        async def places() -> AsyncIterator[Place]:
            yield place

        async def render(_place: Place) -> Message:
            return _written(delivery)

        return shown_elsewhere(await self._posting.reconcile(delivery, places, render))

    def _source(self, origin: Json, place: Place) -> str:
        """The address of the message that a run is about, where the run does not stand in its thread: the starter, who
        chose it, finds it again. Made from its parts, because Slack tells none of a channel without the bot."""
        channel, ts = (str(origin.get(name) or "") for name in ("channel", "message_ts"))
        workspace = str(self._directory.identity.response.get("url") or "")
        if not ts or not workspace or place.channel == channel:
            return ""
        return f"{workspace.rstrip('/')}/archives/{channel}/p{ts.replace('.', '')}"

    async def _mentions(self, rows: CardRows) -> tuple[str, ...]:
        view = rows.asked
        if view.status is not RequestStatus.PENDING:
            return ()
        approvers = view.asked_stage.approvers
        mentions = await self._directory.resolve_mentions(approvers, view.starter)
        return (*mentions, *await self._stand_ins.mentions(approvers, view.starter, self._directory.named))


def _written(delivery: Delivery) -> Message:
    """What was written down to be said: blocks, or a sentence."""
    text, blocks = str(delivery.body.get("text") or ""), delivery.body.get("blocks")
    return Message(text, tuple(blocks)) if blocks else private_sentence(text)
