"""Whatever an agent asks, everything drawn from it stays within Slack's limits and stays data."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agent_runtime.prompts import Question
from agent_runtime.refusals import RefusalReason
from agent_runtime.views import InquiryView, RequestView, RunView
from bot.cards import modals, notices, replies
from bot.cards.blocks import Part
from bot.cards.edit import edit_form
from bot.cards.group import Call, group_card
from bot.cards.ids import ActionId, Metadata, page_of
from bot.cards.inquiry import answer_form, ask_form, inquiry_card
from bot.cards.more import allow_next, more
from bot.cards.request import card
from bot.cards.run import run_card
from bot.cards.said import result_line
from bot.cards.subject import subject_of
from bot.cards.submissions import answer_in
from bot.listeners.actions import SAYS_YES
from storage.types import RequestKind, RequestStatus
from tests.cards.hostile import BEN, NOW, SENTINEL, hostile, inquiries, requests, runs
from tests.cards.limits import OUR_MARKUP, check_message, check_view, elements, mrkdwn

MENTIONS = ("<@U2BEN>", "<!subteam^S1FIN>")
# Without shrinking: making such large values small takes minutes and teaches little.
phases = (Phase.explicit, Phase.reuse, Phase.generate)
many = settings(suppress_health_check=list(HealthCheck), phases=phases)
some = settings(many, max_examples=many.max_examples // 2)


@many
@given(requests())
def test_every_card_is_within_slacks_limits_and_keeps_agents_texts_out_of_markup(view: RequestView) -> None:
    """A card of any request passes the checker, and no mrkdwn holds a word of an agent's."""
    message = card(view, now=NOW, mentions=MENTIONS, confirm=True)
    check_message(message)
    assert not any(SENTINEL in text for text in mrkdwn(message.blocks))


@many
@given(requests())
def test_every_modal_is_within_slacks_limits_and_keeps_agents_texts_out_of_markup(view: RequestView) -> None:
    """Every modal of any request passes the checker, whatever its state, and remembers what it is about."""
    forms = (
        modals.reject, modals.approve, modals.skip, modals.changes, modals.outcome, modals.answer, modals.closed,
        modals.outdated, allow_next, ask_form, partial(more, actor=BEN),
        partial(edit_form, schema=None, fault=view.tool),
    )  # fmt: skip
    for view_part in (*(form(view, channel="C1") for form in forms), modals.review_all(view, 0, channel="C1")):
        check_view(view_part)
        assert not any(SENTINEL in text for text in mrkdwn(view_part))
        metadata = Metadata.parse(view_part["private_metadata"])
        assert metadata is not None
        assert (metadata.target.request_id, metadata.channel) == (view.id, "C1")


@some
@given(requests(), inquiries)
def test_questions_to_the_starter_stay_data(view: RequestView, inquiry: InquiryView) -> None:
    """The question's message and the form for its answer pass the checker, whoever asked what."""
    shown = inquiry_card(inquiry, view)
    check_message(shown)
    form = answer_form(inquiry, view)
    check_view(form)
    assert not any(SENTINEL in text for text in (*mrkdwn(shown.blocks), *mrkdwn(form)))


@some
@given(requests())
def test_a_card_keeps_its_block_types_in_every_state(view: RequestView) -> None:
    """But for the buttons at the end, no state has other blocks than another, so no update is a block mismatch."""
    mixes = {tuple(_types(replace(view, status=status))) for status in RequestStatus}
    assert len(mixes) == 1
    assert next(iter(mixes)).count("rich_text") == 2


@st.composite
def groups(draw: st.DrawFn) -> list[Call]:
    """Two to five calls in any state, on one card."""
    views = draw(st.lists(requests(), min_size=2, max_size=5))
    calls = (replace(view, kind=RequestKind.TOOL, card="A7K2MXQ") for view in views)
    return [Call(view, draw(st.sampled_from((None, "", "https://x.slack.com/archives/C1/p1")))) for view in calls]


@some
@given(groups())
def test_a_shared_card_is_within_slacks_limits_and_keeps_agents_texts_out_of_markup(calls: list[Call]) -> None:
    """Any calls on one card pass the checker, no mrkdwn holds a word of an agent's, and no two buttons of one kind are
    called the same."""
    calls = [replace(one, newer=None) if one.view.status is not RequestStatus.PENDING else one for one in calls]
    message = group_card(calls, now=NOW, mentions=MENTIONS, thread_link="https://x.slack.com/archives/C1/p1")
    check_message(message)
    assert not any(SENTINEL in text for text in mrkdwn(message.blocks))
    named = [one["accessibility_label"] for one in elements(message.blocks)]
    assert len(set(named)) == len(named)
    for number, one in enumerate(calls):
        row = message.blocks[4 + 4 * number + 3]
        offered = {button["action_id"] for button in elements([row])}
        assert bool(offered & SAYS_YES) <= (one.is_asked and one.subject.fits)


@some
@given(groups(), st.sampled_from(RequestStatus))
def test_a_shared_card_has_its_rich_text_in_the_same_places_in_every_state(
    calls: list[Call], status: RequestStatus
) -> None:
    """Whatever becomes of a call, no update puts another block in the place of a rich-text one."""
    after = [replace(one, view=replace(one.view, status=status), newer=None) for one in calls]
    before, then = (group_card(state, now=NOW).blocks for state in (calls, after))
    assert len(before) == len(then) <= 50
    assert [one["type"] == "rich_text" for one in before] == [one["type"] == "rich_text" for one in then]


def _types(view: RequestView) -> list[str]:
    return [one["type"] for one in card(view, now=NOW).blocks if one["type"] != "actions"]


@some
@given(requests())
def test_turning_the_pages_shows_every_character_before_a_decision_is_offered(view: RequestView) -> None:
    """From the first page, Next reaches a last one; together they are the whole text, and only the last decides."""
    page, seen = 0, ""
    while True:
        modal = modals.review_all(view, page)
        check_view(modal)
        seen += _preformatted(modal)
        buttons = {one["action_id"]: one for one in elements(modal["blocks"])}
        following = buttons.pop(ActionId.PAGE_NEXT, None)
        if following is None:
            break
        assert set(buttons) <= {ActionId.PAGE_PREVIOUS}
        turned = page_of(following["value"])
        assert turned == page + 1
        page = turned
    assert seen == subject_of(view).whole
    assert all(one.excerpt.whole in seen for one in subject_of(view).must_see)
    assert bool(set(buttons) - {ActionId.PAGE_PREVIOUS}) == (view.status is RequestStatus.PENDING)


def _preformatted(modal: Part) -> str:
    parts = [part for block in modal["blocks"] if block["type"] == "rich_text" for part in block["elements"]]
    texts = (part for part in parts if part["type"] == "rich_text_preformatted")
    return "".join(leaf["text"] for part in texts for leaf in part["elements"])


@some
@given(requests())
def test_a_card_that_hides_anything_decisive_offers_no_yes(view: RequestView) -> None:
    """Where arguments, question or draft are cut, the full view comes first and nothing on the card says yes."""
    view = replace(view, status=RequestStatus.PENDING)
    offered = [one["action_id"] for one in elements(card(view, now=NOW).blocks)]
    if subject_of(view).fits:
        return
    assert offered[0] == ActionId.REVIEW_ALL
    assert not {*offered} & (SAYS_YES | {ActionId.ANSWER})


@some
@given(requests(), hostile, st.sampled_from(RefusalReason))
def test_sentences_to_people_hold_no_markup_but_ours(view: RequestView, detail: str, reason: RefusalReason) -> None:
    """Notices name a request's title inertly: no mention, link or entity in them comes from outside."""
    for view_or_none in (view, None):
        sentence = notices.refusal(reason, view_or_none, mentions=MENTIONS, detail=detail)
        assert sentence
        assert len(sentence) <= 3_000
        assert not set("<>") & set(OUR_MARKUP.sub("", sentence))
        check_view(modals.notice("Not recorded", sentence))
    assert notices.recorded(view)
    assert notices.closed(view)


@some
@given(runs())
def test_runs_and_their_replies_are_within_slacks_limits(run: RunView) -> None:
    """A run's message and the replies about it pass the checker for any run."""
    messages = (
        run_card(run, mentions=MENTIONS),
        result_line(run, run.error),
        replies.run_list([run] * 60),
        replies.started(run, "https://example.test/archives/C1/p1"),
    )
    for message in messages:
        check_message(message)
        assert not any(SENTINEL in text for text in mrkdwn(message.blocks))


@some
@given(st.lists(hostile, min_size=1, max_size=5), hostile)
def test_replies_to_typed_words_are_within_slacks_limits(names: list[str], word: str) -> None:
    """Lists, help and unknown words pass the checker for any names and words."""
    entries = [replies.AgentEntry(name, name, name) for name in names]
    for message in (
        replies.agent_list(entries),
        replies.agent_list([]),
        replies.run_list([]),
        replies.help_text(entries),
        replies.unknown_word(word, entries),
        replies.ambiguous(word, names),
    ):
        check_message(message)


@some
@given(requests())
def test_choices_come_back_as_they_were_asked(view: RequestView) -> None:
    """Options carry numbers, and the number leads back to the exact choice, however long it is."""
    prompt = subject_of(view).prompt
    modal = modals.answer(view)
    inputs = [block for block in modal["blocks"] if block["type"] == "input"]
    if not isinstance(prompt, Question) or not inputs or "options" not in inputs[0]["element"]:
        return
    for option, choice in zip(inputs[0]["element"]["options"], prompt.choices, strict=True):
        state = {"values": {"signoff_answer_field": {"signoff_field": {"selected_option": option}}}}
        assert answer_in({"state": state}, prompt) == choice
