"""Buttons. A decision is durable before the acknowledgement; a form is opened before it, because its trigger dies in
three seconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from agent_runtime.agents import tool_schema
from agent_runtime.approvals import Accepted, Act, Withdrawal
from agent_runtime.refusals import RefusalReason
from agent_runtime.views import RequestView
from bot.cards import modals, notices
from bot.cards.edit import edit_form
from bot.cards.ids import ActionId, CallbackId, Metadata, Target, page_of, run_id_of
from bot.cards.inquiry import ask_form
from bot.cards.more import allow_next, has_vote, more
from bot.cards.subject import subject_of
from bot.cards.submissions import metadata_in
from bot.desk import Desk
from bot.desk_work import Answered
from bot.listeners.opening import bounded
from bot.listeners.reading import Ack, Payload, actor_of, first_action, is_in_modal, origin_of, place_of
from storage.types import DecisionKind, JsonValue, RequestKind, RequestStatus

View = dict[str, Any]
DIRECT: dict[ActionId, tuple[DecisionKind, JsonValue]] = {
    ActionId.APPROVE: (DecisionKind.APPROVED, None),
    ActionId.SKIP: (DecisionKind.SKIPPED, None),
    ActionId.ACCEPT: (DecisionKind.ANSWERED, {"action": "accept"}),
    ActionId.OUTCOME_AGAIN: (DecisionKind.ANSWERED, {"action": "run_again"}),
    ActionId.OUTCOME_FAILED: (DecisionKind.ANSWERED, {"action": "failed"}),
}
"""Buttons that decide by themselves."""

SAYS_YES = frozenset(
    {
        ActionId.APPROVE,
        ActionId.APPROVE_BECAUSE,
        ActionId.ALLOW_NEXT,
        ActionId.EDIT,
        ActionId.ACCEPT,
        ActionId.OUTCOME_AGAIN,
    }
)
"""Buttons for which everything must have been there to read."""

MOST_REMEMBERED = 10_000

FORMS: dict[ActionId, Callable[..., View]] = {
    ActionId.REJECT: modals.reject,
    ActionId.APPROVE_BECAUSE: modals.approve,
    ActionId.SKIP_BECAUSE: modals.skip,
    ActionId.ALLOW_NEXT: allow_next,
    ActionId.ANSWER: modals.answer,
    ActionId.CHANGES: modals.changes,
    ActionId.OUTCOME_HAPPENED: modals.outcome,
}
"""Buttons that ask for words first."""

_OF_A_CALL = {
    ActionId.APPROVE_BECAUSE: DecisionKind.APPROVED,
    ActionId.SKIP_BECAUSE: DecisionKind.SKIPPED,
    ActionId.ALLOW_NEXT: DecisionKind.APPROVED,
    ActionId.REJECT: DecisionKind.REJECTED,
}
"""What the form of a button decides about a call; about all else it is an answer."""


@dataclass(frozen=True, slots=True)
class Press:
    """One button pressed: which, on what, by whom."""

    action: ActionId
    body: Payload
    client: AsyncWebClient

    @property
    def target(self) -> Target | None:
        """The request, revision and stage the person was looking at."""
        return Target.parse(first_action(self.body).get("value"))

    @property
    def channel(self) -> str:
        """Where the card stands; in a modal, as the modal remembers it."""
        remembered = metadata_in(self.body.get("view") or {})
        return place_of(self.body).channel or (remembered.channel if remembered else "")


def register(app: AsyncApp, desk: Desk) -> None:
    """Attach every button."""
    buttons = Buttons(desk)

    def attach(action: ActionId, handle: Callable[[Press], Awaitable[None]]) -> None:
        @app.action(action.value)
        async def listener(ack: Ack, body: Payload, client: AsyncWebClient) -> None:
            await handle(Press(action, body, client))
            await ack()

    for action in DIRECT:
        attach(action, buttons.decide)
    for action in FORMS:
        attach(action, buttons.open_form)
    attach(ActionId.EDIT, buttons.open_edit)
    attach(ActionId.TAKE_BACK, buttons.take_back)
    attach(ActionId.MORE, buttons.open_more)
    attach(ActionId.ASK_STARTER, buttons.open_ask)
    attach(ActionId.REVIEW_ALL, buttons.open_review)
    attach(ActionId.PAGE_PREVIOUS, buttons.turn_page)
    attach(ActionId.PAGE_NEXT, buttons.turn_page)
    attach(ActionId.CANCEL_RUN, buttons.change_run)
    attach(ActionId.RETRY_RUN, buttons.change_run)


class Buttons:
    """What each button does."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._fitting: dict[tuple[str, int], bool] = {}

    async def decide(self, press: Press) -> None:
        """Approve, skip, accept, and the answers that need no words."""
        target = press.target
        if target is None:
            return
        if await self._must_be_read_first(press, target):
            return
        kind, value = DIRECT[press.action]
        in_modal = is_in_modal(press.body)
        act = Act(target.request_id, target.revision, target.stage, kind, value=value)
        answered = await self._desk.decide(act, actor_of(press.body), origin_of(press.body), place_of(press.body))
        if in_modal:
            await self._show_in_modal(press, answered)

    async def open_form(self, press: Press) -> None:
        """Ask for a reason, an answer, feedback, or a result, unless the person may not decide anyway."""
        target = press.target
        if target is None or await self._must_be_read_first(press, target):
            return

        def kind(view: RequestView) -> DecisionKind:
            return _OF_A_CALL[press.action] if view.kind is RequestKind.TOOL else DecisionKind.ANSWERED

        view = await self._readable(press, kind)
        if view is not None:
            await self._open(press, FORMS[press.action](view, channel=press.channel))

    async def open_edit(self, press: Press) -> None:
        """The arguments of a call as fields, for those who may change it."""
        target = press.target
        if target is None or await self._must_be_read_first(press, target):
            return
        view = await self._readable(press, lambda _: DecisionKind.EDITED)
        if view is not None:
            schema = tool_schema(self._desk.runtime.agents, view.agent, view.tool)
            await self._open(press, edit_form(view, schema, channel=press.channel))

    async def open_more(self, press: Press) -> None:
        """What else can be done, for those who may decide or have."""
        target, actor = press.target, actor_of(press.body)
        view = await self._desk.request(target.request_id) if target else None
        if view is None or not has_vote(view, actor):
            view = await self._readable(press, _any_but_a_yes)
        if view is not None:
            await self._show(press, more(view, actor, channel=press.channel, read=is_in_modal(press.body)))

    async def open_ask(self, press: Press) -> None:
        """What to ask whoever started the run, for those who may decide."""
        view = await self._readable(press, _any_but_a_yes)
        if view is not None:
            await self._open(press, ask_form(view, channel=press.channel))

    async def take_back(self, press: Press) -> None:
        """The person's newest vote on an open request."""
        target = press.target
        if target is None:
            return
        taken = Withdrawal(target.request_id, target.revision)
        answered = await self._desk.withdraw(taken, actor_of(press.body), origin_of(press.body), place_of(press.body))
        if is_in_modal(press.body):
            await self._show_in_modal(press, answered)

    async def open_review(self, press: Press) -> None:
        """Everything there is to read, from its first page; to those who may decide, and of a closed request to those
        who may read it."""
        target = press.target
        view = await self._desk.request(target.request_id) if target else None
        if view is None or view.status is RequestStatus.PENDING or press.action is not ActionId.REVIEW_ALL:
            view = await self._readable(press, _any_but_a_yes)
        elif not await self._desk.may_read_request(view, actor_of(press.body)):
            await self._refuse(press, view.id, notices.not_a_reader(view))
            return
        if view is not None:
            await self._show(press, modals.review_all(view, 0, channel=press.channel))

    async def turn_page(self, press: Press) -> None:
        """The next or previous page of a review."""
        metadata = metadata_in(press.body.get("view") or {})
        page = page_of(first_action(press.body).get("value"))
        view = await self._desk.request(metadata.target.request_id) if metadata else None
        if metadata is not None and page is not None and view is not None:
            await self._update(press, _page(view, page, metadata))

    async def change_run(self, press: Press) -> None:
        """Cancel or retry a run from its own message."""
        run_id = run_id_of(first_action(press.body).get("value"))
        if run_id is None:
            return
        act = self._desk.cancel if press.action is ActionId.CANCEL_RUN else self._desk.retry
        actor = actor_of(press.body)
        result = await act(run_id, actor, origin_of(press.body))
        if isinstance(result, RefusalReason):
            await self._desk.tell(run_id, actor, place_of(press.body), notices.refusal(result))

    async def _readable(self, press: Press, kind: Callable[[RequestView], DecisionKind]) -> RequestView | None:
        """The request, for a person who may decide on it; everybody else has been told why not."""
        target = press.target
        view = await self._desk.request(target.request_id) if target else None
        if target is None or view is None:
            return None
        act = Act(target.request_id, target.revision, target.stage, kind(view))
        actor, origin, place = actor_of(press.body), origin_of(press.body), place_of(press.body)
        refused = await self._desk.may_decide(act, actor, origin, place)
        if refused is not None and is_in_modal(press.body):
            await self._show_in_modal(press, refused)
        elif refused is not None and not place.message_ts:
            await self._open(press, modals.notice("Nothing was changed", refused.sentence))  # pressed on App Home
        return view if refused is None else None

    async def _refuse(self, press: Press, request_id: str, words: str) -> None:
        """Say privately, where the button stood, why nothing opens."""
        place = place_of(press.body)
        if place.message_ts:
            await self._desk.tell(request_id, actor_of(press.body), place, words)
        else:
            await self._show(press, modals.notice("Not shown", words))

    async def _must_be_read_first(self, press: Press, target: Target) -> bool:
        """Whether a yes comes from a card on which the request cannot be read whole. Such a card has no such button:
        then everything is shown, to be decided there."""
        shown = press.body.get("view") or {}
        was_read = shown.get("callback_id") == CallbackId.REVIEW_ALL.value
        if press.action not in SAYS_YES or was_read or await self._fits(target):
            return False
        await self.open_review(press)
        return True

    async def _fits(self, target: Target) -> bool:
        """Whether the card shows everything; remembered, because what a revision asks never changes and many click. One
        that shares a card may get one with more room: that it does not fit is looked at anew."""
        known = self._fitting.get((target.request_id, target.revision))
        if known is not None:
            return known
        view = await self._desk.request(target.request_id)
        if view is None:
            return True
        if len(self._fitting) >= MOST_REMEMBERED:
            self._fitting.clear()
        fits = subject_of(view).fits
        if fits or not view.card:
            self._fitting[view.id, view.revision] = fits
        return fits

    async def _show_in_modal(self, press: Press, answered: Answered) -> None:
        title = "Recorded" if isinstance(answered.verdict, Accepted) else "Nothing was changed"
        await self._update(press, modals.notice(title, answered.sentence))

    async def _open(self, press: Press, view: View) -> None:
        trigger = str(press.body.get("trigger_id") or "")
        call = press.client.views_push if is_in_modal(press.body) else press.client.views_open
        await bounded(call(trigger_id=trigger, view=view))

    async def _show(self, press: Press, view: View) -> None:
        """In place of the modal where the button stood, if it stood in one: these lead to one another for ever, and no
        more than three modals may lie on each other."""
        await (self._update(press, view) if is_in_modal(press.body) else self._open(press, view))

    async def _update(self, press: Press, view: View) -> None:
        shown = press.body.get("view") or {}
        await bounded(press.client.views_update(view_id=shown.get("id"), hash=shown.get("hash"), view=view))


def _any_but_a_yes(view: RequestView) -> DecisionKind:
    """A decision that is offered in every state of an open request, held or not."""
    return next((kind for kind in view.decisions if kind is not DecisionKind.APPROVED), view.decisions[0])


def _page(view: RequestView, page: int, metadata: Metadata) -> View:
    if Target(view.id, view.revision, view.stage) != metadata.target:
        return modals.closed(view, channel=metadata.channel)
    return modals.review_all(view, page, channel=metadata.channel)
