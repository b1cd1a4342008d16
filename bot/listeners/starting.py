"""The form that starts an agent: opened from a command, a shortcut, a button or a message; redrawn when an agent is
chosen; submitted once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from agent_runtime.forms import TEXT, TEXT_FORM, form_of, input_of
from agent_runtime.json_text import indented
from agent_runtime.refusals import RefusalReason
from agent_runtime.runs import Order
from bot.cards import modals, notices
from bot.cards.fields import Unfit, defaults, read_fields, text_field
from bot.cards.ids import ActionId, CallbackId, Draft, FieldId, ShortcutId, run_id_of
from bot.cards.replies import AgentEntry
from bot.cards.start import choosable, nothing_to_start, start_form
from bot.desk import Desk
from bot.listeners.opening import bounded, updated
from bot.listeners.reading import Ack, Payload, actor_of, first_action, origin_of, place_of, typed_text
from storage.types import Actor, Json

View = dict[str, Any]


def register(app: AsyncApp, desk: Desk) -> None:
    """Attach the form, and what opens it."""
    starting = Starting(desk)

    @app.shortcut(ShortcutId.START.value)
    async def shortcut(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
        await starting.open(body, client, Draft())
        await ack()

    @app.shortcut(ShortcutId.ASK.value)
    async def about_message(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
        await starting.open(body, client, message_draft(body))
        await ack()

    @app.action(ActionId.START.value)
    async def button(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
        await starting.open(body, client, Draft())
        await ack()

    @app.action(ActionId.START_AGAIN.value)
    async def again(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
        await starting.open_again(body, client)
        await ack()

    @app.action(ActionId.PICK_AGENT.value)
    async def picked(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
        await starting.redraw(body, client)
        await ack()

    @app.view(CallbackId.START.value)
    async def submitted(ack: Ack, body: Payload) -> None:
        await ack(**await starting.submit(body))


class Starting:
    """What the form does."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def open(self, body: Payload, client: AsyncWebClient, draft: Draft) -> bool:
        """Show the form to whoever acted, within the three seconds that their trigger lives; whether that went well."""
        view = await self._form(actor_of(body), draft)
        return await bounded(client.views_open(trigger_id=str(body.get("trigger_id") or ""), view=view))

    async def open_again(self, body: Payload, client: AsyncWebClient) -> None:
        """The form filled with what an earlier run was started with, for its starter; where that run lives."""
        run = await self._desk.run(run_id_of(first_action(body).get("value")) or "")
        if run is not None and run.starter.key == actor_of(body).key:
            channel = str((body.get("channel") or {}).get("id") or "")
            draft = Draft(agent=run.agent, channel=channel, thread_ts=place_of(body).thread_ts, again=run.id)
            await self.open(body, client, draft)
            return
        reason = RefusalReason.UNKNOWN_RUN if run is None else RefusalReason.NOT_YOUR_START
        view = modals.notice("Nothing was started", notices.refusal(reason))
        await bounded(client.views_open(trigger_id=str(body.get("trigger_id") or ""), view=view))

    async def redraw(self, body: Payload, client: AsyncWebClient) -> None:
        """Another agent was chosen: its fields."""
        shown = body.get("view") or {}
        draft, chosen = Draft.parse(shown.get("private_metadata")), first_action(body).get("selected_option") or {}
        if draft is None or not isinstance(chosen, Mapping):
            return
        view = await self._form(actor_of(body), replace(draft, agent=str(chosen.get("value") or "")))
        await bounded(client.views_update(view_id=shown.get("id"), hash=shown.get("hash"), view=view))

    async def submit(self, body: Payload) -> dict[str, Any]:
        """Start what was filled in, once for each form; the acknowledgement."""
        shown: Payload = body.get("view") or {}
        draft, state = Draft.parse(shown.get("private_metadata")), (shown.get("state") or {}).get("values") or {}
        if draft is None:
            return updated(modals.notice("Nothing was started", "This form is not one that Signoff knows."))
        if (chosen := _chosen(state)) != draft.agent:
            # Submitted before the fields of the agent just chosen were there.
            return updated(await self._form(actor_of(body), replace(draft, agent=chosen)))
        if chosen not in self._desk.runtime.agents:
            return updated(modals.notice("Nothing was started", "No agent of that name is here any more."))
        form, values = await self._fields(draft, actor_of(body))
        read = read_fields(form, state, values, elsewhere=FieldId.AGENT.value)
        if isinstance(read, Unfit):
            return {"response_action": "errors", "errors": dict(read.errors)}
        return await self._start(body, draft, input_of(form, read.values), f"view:{shown.get('id')}")

    async def _start(self, body: Payload, draft: Draft, given: Any, dedupe: str) -> dict[str, Any]:
        actor = actor_of(body)
        order = Order(agent=draft.agent, input=given, origin=run_origin(draft, actor), dedupe=dedupe)
        run = await self._desk.start(order, actor, origin_of(body))
        if isinstance(run, RefusalReason):
            return updated(modals.notice("Nothing was started", notices.refusal(run)))
        return {"response_action": "clear"}

    async def _form(self, actor: Actor, draft: Draft) -> View:
        """The form as this person may use it: what they may not start is not offered."""
        names = await self._desk.offers.startable(actor)
        if names is RefusalReason.NOT_A_STARTER:  # of any agent: a sentence about this one would name none
            return nothing_to_start()
        if isinstance(names, RefusalReason):
            return modals.notice("Nothing to start", notices.refusal(names))
        entries = [entry for entry in entries_of(self._desk) if entry.name in names]
        offered = {entry.name: entry for entry in choosable(entries)}
        if not offered:
            return nothing_to_start()
        wanted = draft.agent or (next(iter(offered)) if len(offered) == 1 else "")
        if wanted not in offered:
            return start_form(entries, replace(draft, agent=""))
        draft = replace(draft, agent=wanted).fitted()
        form, values = await self._fields(draft, actor)
        return start_form(entries, draft, offered[wanted], form, values)

    async def _fields(self, draft: Draft, actor: Actor) -> tuple[Json, Json]:
        """The fields of the draft's agent and what they hold at first: the same whenever it is asked."""
        form = form_of(self._desk.runtime.agents[draft.agent])
        run = await self._desk.run(draft.again) if draft.again else None
        if run is not None and run.agent == draft.agent and run.starter.key == actor.key:
            if isinstance(run.input, Mapping) and form is not TEXT_FORM:
                return form, run.input
            return TEXT_FORM, {TEXT: run.input if isinstance(run.input, str) else indented(run.input)}
        field = text_field(form) if draft.text else None
        return form, {**defaults(form), **({field: draft.text} if field else {})}


def entries_of(desk: Desk) -> list[AgentEntry]:
    """Every agent, as it is offered."""
    agents = desk.runtime.agents
    return [AgentEntry(name, agents[name].description, agents[name].example) for name in sorted(agents)]


def message_draft(body: Payload) -> Draft:
    """A start about the message that a shortcut was used on: its text, and its thread."""
    message: Payload = body.get("message") or {}
    ts = str(body.get("message_ts") or message.get("ts") or "")
    channel = body.get("channel") or {}
    return Draft(
        channel=str(channel.get("id") or ""),
        thread_ts=str(message.get("thread_ts") or ts),
        message_ts=ts,
        text=typed_text(message.get("text"))[:3_000],
    ).fitted()


def run_origin(draft: Draft, actor: Actor) -> Json:
    """Where a run was started, for whoever shows it."""
    places = {"channel": draft.channel, "thread_ts": draft.thread_ts, "message_ts": draft.message_ts}
    return {**{name: value for name, value in places.items() if value}, "user": actor.id}


def _chosen(state: Any) -> str:
    found = state
    for key in (FieldId.AGENT.value, ActionId.PICK_AGENT.value, "selected_option", "value"):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else ""
