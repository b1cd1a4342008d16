"""What `/approvals` answers: what waits, one request, grants, an absence, help, the nearest word to an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import datetime

from agent_runtime.views import AbsenceView, GrantView, RequestView
from bot.cards.arguments import arguments
from bot.cards.blocks import Message, Part, actions, bold, button, context, message, ours, preformatted, rich, section
from bot.cards.blocks import sentence as literal
from bot.cards.buttons import target_of
from bot.cards.home import open_request
from bot.cards.ids import ActionId
from bot.cards.pauses import whom
from bot.cards.request import card
from bot.cards.subject import subject_of
from bot.cards.text import clip, code, date, escape, facts, line, person, quantity
from storage.types import Actor, GrantScope, RequestStatus

_FORMS: Sequence[tuple[str, str]] = (
    ("", "what waits for you"),
    ("all", "everything open that you may read"),
    ("show A7K2MXQ", "one request"),
    ("history", "what was decided"),
    ("history send_email @maria 7d", "the same of one tool, one person, the last seven days"),
    ("grants", "what your approvals still let through, and how to end it"),
    ("away", "who decides in your stead"),
    ("away 3d @colleague", "let somebody decide in your stead for so long"),
    ("away 2027-01-15 @colleague", "until the end of a day"),
    ("away end", "you are back"),
    ("help", "this list"),
)
"""What everybody may type after `/approvals`, as an example, and what it does."""

_OPERATORS_FORMS: Sequence[tuple[str, str]] = (
    ("alerts", "what is stuck, since when, and who looks after it"),
    ("grants all", "what anybody's approvals still let through"),
    ("pause", "everything is paused: nothing is started, and no time limit passes, until it is resumed"),
    ("pause ops because the disk is full", "one agent is paused, and why"),
    ("resume", "everything goes on"),
    ("resume ops", "one agent goes on"),
    ("webhooks", "which events arrived"),
    ("webhooks replay crm", "send again those that did not"),
)
"""The same of operators."""

COMMANDS = frozenset(typed.split()[0] for typed, _ in (*_FORMS, *_OPERATORS_FORMS) if typed)
"""The words that `/approvals` knows."""

_REPLY = "approvals"
_MOST = 12
"""Requests or grants in one reply: each takes a few of its 50 blocks."""


def waiting(views: Sequence[RequestView] | None, now: datetime, *, everything: bool = False) -> Message:
    """Open requests, the next deadline first; None where the directory does not say whose they are."""
    if views is None:
        return _said("Slack did not say in time who you are. Please try again in a minute.")
    if not views:
        return _said("Nothing is open that you may read." if everything else "Nothing waits for you.")
    words = f"{quantity(len(views), 'open request')}." if everything else f"{len(views)} waiting for you."
    blocks = [block for view in views[:_MOST] for block in open_request(view, "", now)]
    return message(_REPLY, words, [section(ours(words)), *blocks, *_rest(len(views))])


def shown(view: RequestView, now: datetime) -> Message:
    """One request as its card shows it. The card's buttons stand there; while it is open, one leads to them from here,
    too."""
    whole = card(view, now=now)
    blocks = [block for block in whole.blocks if block["type"] != "actions"]
    if view.status is RequestStatus.PENDING:
        title = subject_of(view).title
        blocks.append(actions(button(ActionId.REVIEW_ALL, target_of(view).value, "Review", title)))
    return message(view.id, whole.text, blocks)


def which_request() -> Message:
    """No request was named."""
    return _said("Which request? For example: `/approvals show A7K2MXQ`. Its card says what it is called.")


def operators_only(operators: Sequence[str]) -> Message:
    """To whom asked for what only operators may see; `operators` are written as `mention` does."""
    return _said(f"Only operators may see this{whom(operators)}")


def no_such_request(word: str) -> Message:
    """The same for a request that is not there and one that this person may not read."""
    return _said(f"There is no open or closed request {code(clip(line(word), 40))} that you may read.")


def grants(views: Sequence[GrantView]) -> Message:
    """Grants, the newest first, each with a button that ends it."""
    if not views:
        return _said("No approval of yours lets further calls through now.")
    words = f"{quantity(len(views), 'grant')}."
    blocks = [block for view in views[:_MOST] for block in _grant(view)]
    return message(_REPLY, words, [section(ours(words)), *blocks, *_rest(len(views))])


def grant_line(view: GrantView) -> str:
    """One grant in a line of mrkdwn: what is left of it, for whom, and until when."""
    whom = {
        GrantScope.RUN: f"in run {view.run_id}",
        GrantScope.REQUESTER: f"in runs of {person(view.starter)}" if view.starter else "in runs of one person",
        GrantScope.AGENT: "in every run of the agent",
    }[view.scope]
    if view.revoked_at is not None:
        by = f" by {person(view.revoked_by)}" if view.revoked_by else ""
        return facts(f"grant {view.id} of {person(view.granted_by)}", f"ended{by} {date(view.revoked_at)}")
    left = f"{view.left} more {whom}"
    return facts(f"grant {view.id} of {person(view.granted_by)}", left, f"until {date(view.expires_at)}")


def absence(view: AbsenceView | None, behind: Sequence[Actor] = ()) -> Message:
    """Who decides in this person's stead, with a button that ends it, and in whose stead they do."""
    lines = ["Nobody decides in your stead. `/approvals away 3d @colleague` asks somebody to."]
    if view is not None:
        lines = [f"{person(view.delegate)} decides in your stead until {date(view.until)}. You still may, too."]
    if behind:
        lines.append(f"You decide in the stead of {', '.join(person(one) for one in behind)}.")
    blocks = [section(ours("\n".join(lines)))]
    if view is not None:
        blocks.append(actions(button(ActionId.END_ABSENCE, "end", "I am back", "ends the hand-over")))
    return message(_REPLY, lines[0], blocks)


def not_a_moment(text: str) -> Message:
    """What was typed says neither how long nor until when."""
    typed = f" {code(clip(line(text), 60))} does not say it." if text else ""
    examples = "`/approvals away 3d @colleague`, or `/approvals away 2027-01-15 @colleague`"
    return _said(f"Until when?{typed} For example: {examples}.")


def no_delegate() -> Message:
    """Nobody was named who should decide."""
    return _said("Who decides meanwhile? For example: `/approvals away 3d @colleague`.")


def help_text() -> Message:
    """Every word that `/approvals` knows."""
    everybody, operators = (
        [f"*`{f'/approvals {typed}'.strip()}`*: {meaning}" for typed, meaning in forms]
        for forms in (_FORMS, _OPERATORS_FORMS)
    )
    return _said("\n".join([*everybody, "", "*Operators only:*", *operators]), "What /approvals can do.")


def unknown_word(word: str) -> Message:
    """Nothing is called that: the nearest word, with an example."""
    nearest = difflib.get_close_matches(word[:64].lower(), sorted(COMMANDS), n=1, cutoff=0.5)
    meant = f" Did you mean `/approvals {nearest[0]}`?" if nearest else ""
    return _said(
        f"Nothing here is called {code(clip(line(word), 64))}.{meant or ' `/approvals help` lists every word.'}"
    )


def refused(words: str) -> Message:
    """A refusal, in mrkdwn of our own making."""
    return _said(words)


def _grant(view: GrantView) -> list[Part]:
    like = escape(", ".join(clip(line(key), 40) for key in view.keys))
    which = f" where {like} is the same" if view.keys else " with the very same arguments"
    about = literal(bold(clip(line(view.tool), 80)), f" by {clip(line(view.agent), 80)}{which}")
    return [
        rich(about, preformatted(arguments(view.like).shown)),
        context(ours(grant_line(view))),
        actions(button(ActionId.REVOKE_GRANT, view.id, "End it", f"grant {view.id}", style="danger")),
    ]


def _rest(count: int) -> list[Part]:
    return [context(ours(f"{count - _MOST:,} more are not listed."))] if count > _MOST else []


def _said(words: str, text: str = "") -> Message:
    return message(_REPLY, text or words, [section(ours(words))])
