"""Read models to draw: plain examples, and hostile ones from Hypothesis."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from agent_runtime.rules import GrantRule
from agent_runtime.views import (
    ApprovedBefore,
    ArgumentChange,
    AskedAgain,
    CallView,
    EditView,
    InquiryView,
    PauseView,
    RequestView,
    RunView,
    StageView,
    Vote,
)
from storage.types import (
    SCHEDULER,
    Actor,
    ActorKind,
    CallStatus,
    DecisionKind,
    GrantScope,
    OnTimeout,
    RequestKind,
    RequestStatus,
    RunStatus,
)

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
ANA = Actor(kind=ActorKind.SLACK, id="U1ANA", team="T1", name="Ana")
BEN = Actor(kind=ActorKind.SLACK, id="U2BEN", team="T1", name="Ben")
SENTINEL = "ZQXJ"
"""Stands in every hostile text of an agent's; mrkdwn must never hold it."""

BUY = RequestView(
    id="A7K2MXQ",
    run_id="R7K2MXQ",
    agent="purchasing",
    kind=RequestKind.TOOL,
    status=RequestStatus.PENDING,
    revision=1,
    stage=0,
    stages=(StageView("manager", ("user:U2BEN",), 1), StageView("finance", ("usergroup:S1FIN",), 2)),
    starter=ANA,
    opened_at=NOW,
    tool="buy",
    args={"item": "laptop", "amount": 1200},
    due_at=NOW + timedelta(hours=4),
)
ASK = replace(BUY, kind=RequestKind.QUESTION, tool="", args=None, payload="Which airline?", stages=BUY.stages[:1])
DRAFT = replace(
    ASK,
    kind=RequestKind.REVIEW,
    payload={"draft": "Dear all,\nbye.", "round": 2, "max_rounds": 3, "previous": "Dear all,\nhello."},
)
DOUBT = replace(BUY, kind=RequestKind.OUTCOME, payload={"started_at": "2026-11-21T09:59:00+00:00"})
RUN = RunView(
    id="R7K2MXQ",
    agent="purchasing",
    status=RunStatus.RUNNING,
    starter=ANA,
    input="a laptop",
    created_at=NOW - timedelta(minutes=3),
    updated_at=NOW,
)


def closed(view: RequestView, status: RequestStatus, *votes: Vote, by: Actor = BEN) -> RequestView:
    """The view after it closed, twelve minutes after it opened."""
    return replace(
        view, status=status, votes=votes, closed_by=by, closed_at=view.opened_at + timedelta(minutes=12), due_at=None
    )


def vote(kind: DecisionKind, reason: str = "", value: object = None) -> Vote:
    return Vote(BEN, kind, 0, NOW, reason, value)  # type: ignore[arg-type]


FRAGMENTS = (
    SENTINEL, "<!channel>", "<@U1ANA>", "<https://evil.example|Approve>", "*bold*", "```", "`", "_x_", "~s~", ":tada:",
    "&amp;", "\u202egnp.exe", "\u200b", "\u2066", "\U000e0041", "\ufe0f", "a\u0301\u0301\u0301\u0301", "\u0336x",
    "\u3164", "\u00a0", "\u2800", " " * 60, "x" * 150, "\n", "\r\n", "\t", "\u2028", "\x00", "\ud800",
    "\ue000", "\u0378", "⟦", "⟧", "⟦U+202E⟧",
    "⟦space × 40⟧", '"', '"\namount: 5', "amount: 5", "  │ ", "\\", "\\n", "п", "pаypаl", "日本",
    "👩‍👧", "",
)  # fmt: skip
words = st.one_of(
    st.sampled_from(FRAGMENTS), st.text(st.characters(exclude_categories=()), max_size=12), st.text(max_size=8)
)
hostile = st.lists(words, max_size=8).map("".join)
long = st.builds(lambda text, times: (text + SENTINEL) * times, hostile, st.sampled_from((1, 20, 400)))
huge = st.builds(lambda text: ((text or "ab ") * 40_000)[:40_000], hostile)
texts = st.one_of(hostile, hostile, hostile, long)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts, hostile
)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(hostile, inner, max_size=4), max_leaves=12
)


def _deep(value: object, depth: int) -> object:
    for level in range(depth):
        value = {"k": value} if level % 2 else [value]
    return value


args = st.one_of(
    st.dictionaries(texts, json_values, max_size=6),
    st.dictionaries(st.sampled_from("abcdef"), st.one_of(json_values, texts), max_size=5),
    st.dictionaries(hostile, scalars, min_size=10, max_size=50),
    st.builds(lambda value: {"body": value}, huge),
    st.builds(lambda value, depth: {"deep": _deep(value, depth)}, scalars, st.integers(1, 200)),
)
names = hostile.map(lambda text: text.replace(SENTINEL, "Zoe"))
actors = st.one_of(
    st.sampled_from((ANA, BEN, SCHEDULER)),
    st.builds(lambda name: Actor(kind=ActorKind.TOKEN, id="ci", name=name), names),
    st.builds(lambda bad: Actor(kind=ActorKind.SLACK, id=bad), names),
)
votes = st.lists(
    st.builds(
        Vote, actors, st.sampled_from(DecisionKind), st.integers(0, 2), st.just(NOW), texts, json_values, st.booleans()
    ),
    max_size=30,
)
question = st.one_of(
    json_values,
    texts,
    st.fixed_dictionaries({"question": texts, "choices": st.lists(texts, max_size=12)}),
    st.fixed_dictionaries({"question": hostile, "choices": st.integers(90, 120).map(lambda n: ["c" * n] * n)}),
)
review = st.one_of(
    json_values,
    st.fixed_dictionaries(
        {"draft": st.one_of(texts, huge), "title": texts, "round": st.integers(0, 5), "max_rounds": st.integers(0, 4)},
        optional={"previous": texts},
    ),
)


small = st.one_of(hostile, st.integers(), st.lists(hostile, max_size=3))
changes = st.builds(ArgumentChange, hostile, small, small, st.booleans(), st.booleans())
edits = st.builds(EditView, st.integers(2, 5), actors, st.just(NOW), st.lists(changes, max_size=3).map(tuple), hostile)
inquiries = st.builds(
    InquiryView, st.just("QK7M2XQ"), st.just("A7K2MXQ"), actors, hostile, st.just(NOW), hostile,
    st.sampled_from((None, NOW)),
)  # fmt: skip
again = st.builds(
    AskedAgain, st.just("A1"), actors, st.just(NOW), hostile, st.none() | st.lists(changes, max_size=3).map(tuple)
)
pauses = st.builds(PauseView, st.sampled_from(("", "a`<*")), st.just(NOW), st.none() | actors, names)
names_of = st.lists(hostile, max_size=3).map(tuple)
before = st.builds(
    ApprovedBefore, st.just("A1"), hostile, st.lists(actors, max_size=3).map(tuple), st.just(NOW), names_of, names_of
)


@st.composite
def requests(draw: st.DrawFn) -> RequestView:
    """Any request in any state, with texts that try to be something else."""
    kind = draw(st.sampled_from(RequestKind))
    status = draw(st.sampled_from(RequestStatus))
    open_ = status is RequestStatus.PENDING
    payload = {RequestKind.QUESTION: question, RequestKind.REVIEW: review}.get(kind, st.none())
    call = st.builds(CallView, st.sampled_from(CallStatus), st.just(timedelta(seconds=0.4)), texts)
    return RequestView(
        id=draw(st.sampled_from(("A7K2MXQ", "a-b_c"))),
        run_id="R1",
        agent=SENTINEL + draw(hostile),
        kind=kind,
        status=status,
        revision=draw(st.integers(1, 3)),
        stage=draw(st.integers(0, 2)),
        stages=draw(st.sampled_from((BUY.stages, (), BUY.stages[:1]))),
        starter=draw(actors),
        opened_at=NOW,
        tool=SENTINEL + draw(texts),
        args=draw(args) if kind in (RequestKind.TOOL, RequestKind.OUTCOME) else None,  # type: ignore[arg-type]
        payload=draw(payload),
        note=draw(texts),
        reason=draw(texts),
        decisions=draw(st.sampled_from((BUY.decisions, tuple(DecisionKind), ()))),
        due_at=draw(st.sampled_from((None, NOW + timedelta(hours=1), NOW - timedelta(hours=1)))),
        on_timeout=draw(st.sampled_from(OnTimeout)),
        votes=tuple(draw(votes)),
        closed_at=None if open_ else NOW + timedelta(hours=30),
        closed_by=None if open_ else draw(actors),
        call=draw(st.none() | call),
        open_siblings=draw(st.integers(0, 3)),
        auto_approve=draw(st.booleans()),
        confirm=draw(st.booleans()),
        remarks=tuple(draw(st.lists(hostile, max_size=2))),
        asked_args=draw(args),  # type: ignore[arg-type]
        edits=tuple(draw(st.lists(edits, max_size=3))),
        inquiries=tuple(draw(st.lists(inquiries, max_size=2))),
        asked_again=draw(st.none() | again),
        approved_before=tuple(draw(st.lists(before, max_size=3))),
        held_until=draw(st.sampled_from((None, NOW))),
        paused=draw(st.none() | pauses),
        hold=draw(st.sampled_from((None, timedelta(seconds=30)))),
        grant_rule=draw(st.sampled_from((None, GrantRule(scopes=tuple(GrantScope), keys=("a`<", "b"))))),
        require_reason=draw(st.sampled_from(((), tuple(DecisionKind)))),
    )


@st.composite
def runs(draw: st.DrawFn) -> RunView:
    """Any run in any state."""
    return RunView(
        id="R7K2MXQ",
        agent=SENTINEL + draw(texts),
        status=draw(st.sampled_from(RunStatus)),
        starter=draw(actors),
        input=draw(json_values),
        created_at=NOW,
        updated_at=NOW + timedelta(minutes=3),
        output=draw(st.one_of(json_values, huge)),
        error=draw(texts),
        waiting_on=tuple(draw(st.lists(st.just(BUY), max_size=3))),
        cancel_requested=draw(st.booleans()),
        paused=draw(st.none() | pauses),
        labels=draw(st.dictionaries(st.one_of(texts, st.sampled_from("abcdef")), texts, max_size=3)),
    )
