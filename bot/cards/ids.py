"""Every id and button value that Slack sends back to us: action ids, block ids, callback ids, targets, metadata.

A value says which request, revision and stage a person was looking at. Everything else in it would be a lie waiting to
be believed, so there is nothing else, and what does not parse exactly is nothing at all.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self


class ActionId(StrEnum):
    """What a button or a field does."""

    APPROVE = "signoff_approve"
    REJECT = "signoff_reject"
    SKIP = "signoff_skip"
    EDIT = "signoff_edit"
    APPROVE_BECAUSE = "signoff_approve_because"
    SKIP_BECAUSE = "signoff_skip_because"
    TAKE_BACK = "signoff_take_back"
    MORE = "signoff_more"
    ALLOW_NEXT = "signoff_allow_next"
    ASK_STARTER = "signoff_ask_starter"
    ON_IT = "signoff_on_it"
    SNOOZE = "signoff_snooze"
    HAND_OVER = "signoff_hand_over"
    ANSWER_INQUIRY = "signoff_answer_inquiry"
    ANSWER = "signoff_answer"
    ACCEPT = "signoff_accept"
    CHANGES = "signoff_changes"
    REVIEW_ALL = "signoff_review_all"
    OUTCOME_AGAIN = "signoff_outcome_again"
    OUTCOME_HAPPENED = "signoff_outcome_happened"
    OUTCOME_FAILED = "signoff_outcome_failed"
    CANCEL_RUN = "signoff_cancel_run"
    RETRY_RUN = "signoff_retry_run"
    PAGE_PREVIOUS = "signoff_page_previous"
    PAGE_NEXT = "signoff_page_next"
    FIELD = "signoff_field"
    FIELD_TEXT = "signoff_field_text"
    FIELD_NUMBER = "signoff_field_number"
    FIELD_FLAG = "signoff_field_flag"
    FIELD_CHOICE = "signoff_field_choice"
    FIELD_DATE = "signoff_field_date"
    FIELD_JSON = "signoff_field_json"
    REVOKE_GRANT = "signoff_revoke_grant"
    END_ABSENCE = "signoff_end_absence"
    ALERT_ACKNOWLEDGE = "signoff_alert_acknowledge"
    ALERT_REMIND = "signoff_alert_remind"
    ALERT_MUTE = "signoff_alert_mute"
    ALERT_UNMUTE = "signoff_alert_unmute"
    ALERT_SEND_AGAIN = "signoff_alert_send_again"
    START = "signoff_start"
    START_AGAIN = "signoff_start_again"
    PICK_AGENT = "signoff_pick_agent"
    REPLY_ANSWERS = "signoff_reply_answers"
    REPLY_ANSWERS_INQUIRY = "signoff_reply_answers_inquiry"
    REPLY_IS_NO_ANSWER = "signoff_reply_is_no_answer"


class CallbackId(StrEnum):
    """Which modal was submitted."""

    REJECT = "signoff_reject_modal"
    APPROVE = "signoff_approve_modal"
    SKIP = "signoff_skip_modal"
    EDIT = "signoff_edit_modal"
    MORE = "signoff_more_modal"
    ALLOW_NEXT = "signoff_allow_next_modal"
    ASK_STARTER = "signoff_ask_starter_modal"
    HAND_OVER = "signoff_hand_over_modal"
    ANSWER_INQUIRY = "signoff_answer_inquiry_modal"
    ANSWER = "signoff_answer_modal"
    CHANGES = "signoff_changes_modal"
    REVIEW_ALL = "signoff_review_all_modal"
    OUTCOME = "signoff_outcome_modal"
    NOTICE = "signoff_notice_modal"
    LOADING = "signoff_loading_modal"
    START = "signoff_start_modal"


class ShortcutId(StrEnum):
    """What was chosen from Slack's menus; the manifest names the same ids."""

    START = "signoff_start_agent"
    ASK = "signoff_ask_agent"


class FieldId(StrEnum):
    """Block ids of the input fields: where an error of a submission is shown."""

    REASON = "signoff_reason"
    ANSWER = "signoff_answer_field"
    FEEDBACK = "signoff_feedback"
    RESULT = "signoff_result"
    AGENT = "signoff_agent"
    QUESTION = "signoff_question"
    DELEGATE = "signoff_delegate"
    SPAN = "signoff_span"
    GRANT_SCOPE = "signoff_grant_scope"
    GRANT_USES = "signoff_grant_uses"
    GRANT_TIME = "signoff_grant_time"


_ID = r"[0-9A-Za-z_-]{1,64}"
_NUMBER = r"0|[1-9][0-9]{0,8}"
_TARGET = re.compile(rf"({_ID})\.({_NUMBER})\.({_NUMBER})", re.ASCII)
_CHANNEL = re.compile(r"[A-Z0-9]{0,32}", re.ASCII)
_DIGEST = re.compile(r"([0-9a-f]{64})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """The request, revision and stage that a person was looking at; at most 84 characters as text."""

    request_id: str
    revision: int
    stage: int

    @property
    def value(self) -> str:
        """What a button carries, such as `A7K2MXQ.1.0`."""
        return f"{self.request_id}.{self.revision}.{self.stage}"

    @classmethod
    def parse(cls, value: object) -> Self | None:
        """Reads `value` strictly: exactly what `Target.value` writes, else None."""
        match = _TARGET.fullmatch(value) if isinstance(value, str) else None
        return cls(match[1], int(match[2]), int(match[3])) if match else None


def run_id_of(value: object) -> str | None:
    """The run id in a run button's value (the id itself), or None for anything odd."""
    return value if isinstance(value, str) and re.fullmatch(_ID, value, re.ASCII) else None


def grant_id_of(value: object) -> str | None:
    """Reads what a grant's button carries, else None."""
    return value if isinstance(value, str) and re.fullmatch(_ID, value, re.ASCII) else None


def alert_id_of(value: object) -> str | None:
    """The id of an alert, or None for anything odd."""
    return run_id_of(value)


def inquiry_id_of(value: object) -> str | None:
    """The id of an approver's question, or None for anything odd."""
    return run_id_of(value)


def page_of(value: object) -> int | None:
    """The 0-based page number in a page button's value, or None for anything odd."""
    return int(value) if isinstance(value, str) and re.fullmatch(_NUMBER, value, re.ASCII) else None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a modal remembers: its target, its 0-based page, the channel in which to tell its owner something, and the
    digest of what it has shown as the outcome of what was filled in."""

    target: Target
    page: int = 0
    channel: str = ""
    shown: str = ""

    @property
    def text(self) -> str:
        """For `private_metadata`; far below its 3,000 characters."""
        fields = {"target": self.target.value, "page": self.page, "channel": self.channel, "shown": self.shown}
        return json.dumps(fields)

    @classmethod
    def parse(cls, text: object) -> Self | None:
        """Reads what `Metadata.text` wrote, else None."""
        try:
            fields = json.loads(text) if isinstance(text, str) and len(text) <= 400 else None
        except ValueError:
            return None
        if not isinstance(fields, dict) or fields.keys() != {"target", "page", "channel", "shown"}:
            return None
        target, page, channel, shown = (fields[name] for name in ("target", "page", "channel", "shown"))
        target = Target.parse(target)
        if target is None or type(page) is not int or page < 0:
            return None
        if not isinstance(channel, str) or not _CHANNEL.fullmatch(channel):
            return None
        return cls(target, page, channel, shown) if isinstance(shown, str) and _DIGEST.fullmatch(shown) else None


@dataclass(frozen=True, slots=True)
class Proposed:
    """A question, and the message that was proposed as its answer: which proposal a button belongs to. `target` is that
    of an agent's question, or has the id of an approver's."""

    target: Target
    channel: str
    ts: str

    @property
    def message(self) -> str:
        """The message that was answered by the proposal."""
        return f"{self.channel}:{self.ts}"

    @property
    def value(self) -> str:
        """What its button carries, such as `A7K2MXQ.1.0@C123:1780000000.000100`."""
        return f"{self.target.value}@{self.message}"

    @classmethod
    def parse(cls, value: object) -> Self | None:
        """Reads `value` strictly, else None."""
        match = _PROPOSED.fullmatch(value) if isinstance(value, str) else None
        target = Target.parse(match[1]) if match else None
        return cls(target, match[2], match[3]) if match and target else None


_PROPOSED = re.compile(r"([^@]{1,90})@([A-Z0-9]{1,32}):([0-9]{1,16}\.[0-9]{1,8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Draft:
    """What the form for a start remembers: whose fields it shows, where the run is to live, and what they were made
    from: an earlier run, or the text of a message. Nothing in it allows anything."""

    agent: str = ""
    channel: str = ""
    thread_ts: str = ""
    message_ts: str = ""
    again: str = ""
    text: str = ""

    @property
    def metadata(self) -> str:
        """For `private_metadata`; `fitted` keeps it within its 3,000 characters."""
        fields = {name: getattr(self, name) for name in _DRAFT if getattr(self, name)}
        return json.dumps(fields, ensure_ascii=False)

    def fitted(self) -> Self:
        """The same draft with as much of its text as a form can remember."""
        draft = self
        # Counted in UTF-16 units, as clients may do.
        while (excess := len(draft.metadata.encode("utf-16-le")) // 2 - _METADATA) > 0 and draft.text:
            draft = replace(draft, text=draft.text[: -((excess + 5) // 6)])
        return draft

    @classmethod
    def parse(cls, text: object) -> Self | None:
        """Reads what `Draft.metadata` wrote, else None."""
        try:
            fields = json.loads(text) if isinstance(text, str) else None
        except ValueError:
            return None
        if not isinstance(fields, dict) or not fields.keys() <= _DRAFT.keys():
            return None
        draft = cls(**fields) if all(isinstance(value, str) for value in fields.values()) else None
        return draft if draft and all(form.fullmatch(getattr(draft, name)) for name, form in _DRAFT.items()) else None


_METADATA = 3_000
_TS = re.compile(r"([0-9]{1,16}\.[0-9]{1,8})?", re.ASCII)
_DRAFT = {
    "agent": re.compile(r".{0,150}", re.DOTALL),
    "channel": _CHANNEL,
    "thread_ts": _TS,
    "message_ts": _TS,
    "again": re.compile(rf"({_ID})?", re.ASCII),
    "text": re.compile(r".{0,3000}", re.DOTALL),
}
