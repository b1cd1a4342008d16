"""A reply in a run's thread as the answer to its question, or as feedback on its draft: proposed to whoever wrote it,
and taken with one click.

What the click sends is what was shown with the button, kept beside the proposal: not the message, which its author may
have edited meanwhile, and not the button's value, which only names the proposal.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from agent_runtime import inquiries, outbound
from agent_runtime.approvals import Act
from agent_runtime.context import Context
from agent_runtime.outbound import Topic
from agent_runtime.prompts import AnswerFault, Question, meant_by, read_prompt, validate_answer
from agent_runtime.refusals import RefusalReason
from agent_runtime.views import InquiryView, RequestView
from bot.cards import notices
from bot.cards.blocks import Message
from bot.cards.buttons import target_of
from bot.cards.ids import ActionId, Proposed, Target
from bot.cards.proposal import Meant, proposal, settled
from bot.desk import Desk
from bot.listeners.hearing import Heard
from bot.listeners.opening import bounded
from bot.listeners.reading import Ack, Payload, actor_of, first_action, origin_of
from storage import messages, outbox
from storage.tx import Tx
from storage.types import Actor, DecisionKind, Json, JsonValue, RequestKind

_SLACK_LOG = logging.getLogger("signoff.slack")
MOST_QUESTIONS = 10
TOLD = "Your answer is on the request's card now. It approves nothing by itself."
LEFT = "Nothing was answered; your message stays a message."


def register(app: AsyncApp, desk: Desk) -> None:
    """Attach the buttons of a proposal."""
    answering = Answering(desk)

    @app.action(ActionId.REPLY_ANSWERS.value)
    async def answers(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
        proposed = Proposed.parse(first_action(body).get("value"))
        if proposed is not None:
            await _replace(body, client, await answering.take(proposed, body))
        await ack()

    @app.action(ActionId.REPLY_ANSWERS_INQUIRY.value)
    async def answers_inquiry(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
        proposed = Proposed.parse(first_action(body).get("value"))
        if proposed is not None:
            await _replace(body, client, await answering.take_for_inquiry(proposed, body))
        await ack()

    @app.action(ActionId.REPLY_IS_NO_ANSWER.value)
    async def no_answer(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
        await _replace(body, client, LEFT)
        await ack()


class Answering:
    """Replies to messages, proposals among them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def propose(self, heard: Heard) -> bool:
        """Ask the author whether their message answers a question of its thread. False where there is none that they
        may answer; then nothing is said."""
        thread = heard.thread_ts or None
        if not heard.text or (thread is None and not heard.direct):
            return False
        meant = [*await self._questions(heard, thread), *await self._inquiries(heard, thread)][:MOST_QUESTIONS]
        if not meant:
            return False
        await self.reply(heard, proposal(heard.text, meant), private=True, answers={
            one.proposed.value: one.text for one in meant if one.proposed is not None
        })  # fmt: skip
        return True

    async def _questions(self, heard: Heard, thread: str | None) -> list[Meant]:
        """What agents ask here that the author may answer, or show for their feedback."""
        db, kinds = self._desk.runtime.db, (RequestKind.QUESTION, RequestKind.REVIEW)
        asked = [one for kind in kinds for one in await db.read(messages.asked_in, heard.channel, thread, kind)]
        if not asked:
            return []
        offers = self._desk.offers
        views = await offers.decidable(heard.actor, await offers.open_requests(asked), MOST_QUESTIONS)
        return [_meant(view, heard) for view in views or ()]

    async def _inquiries(self, heard: Heard, thread: str | None) -> list[Meant]:
        """What approvers ask the author here about what they started."""
        db = self._desk.runtime.db
        found = await db.read(inquiries.asked_in, heard.channel, thread, heard.actor.key)
        views = [(one, await self._desk.request(one.request_id)) for one in found]
        return [_meant_for(one, view, heard) for one, view in views if view is not None]

    async def reply(
        self, heard: Heard, message: Message, *, private: bool, answers: Mapping[str, str] | None = None
    ) -> None:
        """Say something to what was heard, once: to its author alone, or in its thread. Between us and one person it is
        the same."""
        alone = private and not heard.direct
        body: Json = {
            "channel": heard.channel,
            "thread_ts": heard.thread_ts if alone else heard.reply_thread,
            "user": heard.actor.id,
            "team": heard.actor.team,
            "text": message.text,
            "blocks": list(message.blocks),
            "answers": dict(answers or {}),
        }
        topic = Topic.NOTICE if alone else Topic.REPLY
        await self._desk.runtime.db.transact(_reply, self._desk.runtime.context(), heard.key, topic, body)

    async def take(self, proposed: Proposed, body: Payload) -> str:
        """Answer with what was shown; what came of it, for whoever clicked."""
        actor = actor_of(body)
        text = await self._desk.runtime.db.read(_proposed_text, proposed, actor)
        if text is None:
            return "Nothing was changed: this was not proposed to you. Press Answer on the question's card."
        target = proposed.target
        view = await self._desk.request(target.request_id)
        value = _value(text, view) if view is not None else text
        act = Act(target.request_id, target.revision, target.stage, DecisionKind.ANSWERED, value=value)
        return (await self._desk.decide(act, actor, origin_of(body))).sentence

    async def take_for_inquiry(self, proposed: Proposed, body: Payload) -> str:
        """Answer an approver with what was shown; what came of it, for whoever clicked."""
        actor = actor_of(body)
        text = await self._desk.runtime.db.read(_proposed_text, proposed, actor)
        if text is None:
            return "Nothing was changed: this was not proposed to you. Press Answer on the question's message."
        came = await self._desk.answer_inquiry(proposed.target.request_id, text, actor, origin_of(body))
        return notices.refusal(came) if isinstance(came, RefusalReason) else TOLD


def _meant(view: RequestView, heard: Heard) -> Meant:
    """What the message would answer to this question."""
    prompt = read_prompt(view.kind, view.payload)
    text = meant_by(prompt, heard.text) if isinstance(prompt, Question) else heard.text
    judged = validate_answer(prompt, _value(text, view))
    if isinstance(judged, AnswerFault):
        return Meant(view, text, None, judged.message)
    return Meant(view, text, Proposed(target_of(view), heard.channel, heard.ts))


def _value(text: str, view: RequestView) -> JsonValue:
    """What the agent gets for a reply: the text, or of a draft that it is to be changed so."""
    return {"action": "changes", "feedback": text} if view.kind is RequestKind.REVIEW else text


def _meant_for(inquiry: InquiryView, view: RequestView, heard: Heard) -> Meant:
    """What the message would answer to an approver."""
    if len(heard.text) > inquiries.LONGEST_INQUIRY:
        return Meant(view, heard.text, None, RefusalReason.BAD_INQUIRY.sentence, inquiry)
    return Meant(view, heard.text, Proposed(Target(inquiry.id, 0, 0), heard.channel, heard.ts), "", inquiry)


def _reply(tx: Tx, context: Context, key: str, topic: Topic, body: Json) -> None:
    outbound.reply(tx, context, key, topic, body)


def _proposed_text(tx: Tx, proposed: Proposed, actor: Actor) -> str | None:
    """What was shown beside the button, if it was shown to this person."""
    row = outbox.get(tx, outbound.reply_key(proposed.message))
    if row is None or (row.body.get("team"), row.body.get("user")) != (actor.team, actor.id):
        return None
    text = (row.body.get("answers") or {}).get(proposed.value)
    return text if isinstance(text, str) else None


async def _replace(body: Payload, client: AsyncWebClient, sentence: str) -> None:
    """Put what came of it in the proposal's place: only its own address can change what one person alone sees."""
    address = str(body.get("response_url") or "")
    if not address:
        return
    # Without a logger of a level the library formats every call as if to log it.
    webhook = AsyncWebhookClient(address, session=client.session, logger=_SLACK_LOG, retry_handlers=[])
    shown = settled(sentence)
    call = webhook.send(text=shown.text, blocks=list(shown.blocks), replace_original=True, response_type="ephemeral")
    await bounded(call)
