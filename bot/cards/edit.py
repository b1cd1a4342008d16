"""The form that changes a call: a field for each argument, what the change would bring, and what was filled in.

A redacted value is neither shown nor put into a field: its field is empty, and left empty it keeps its value. The first
submission shows the difference and whom the changed call asks; the second one, of the very same arguments, records it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent_runtime.approvals import Preview
from agent_runtime.arguments import is_same
from agent_runtime.redaction import MARK
from agent_runtime.views import RequestView
from bot.cards.arguments import PAGE_CHARACTERS, pages
from bot.cards.blocks import Part, bold, context, data, ours, plain, preformatted, rich, section, sentence
from bot.cards.buttons import target_of
from bot.cards.differences import changed_arguments
from bot.cards.fields import Filled, Unfit, fields_for, read_fields
from bot.cards.ids import CallbackId, FieldId, Metadata
from bot.cards.modals import closed, modal, text_field
from bot.cards.subject import subject_of
from bot.cards.text import SEPARATOR, clip, line, listed, quantity
from storage.types import DecisionKind, Json, JsonValue, RequestStatus

MOST_SHOWN = 14_000
"""Characters of a difference: more would leave no room for the fields in Slack's 250 kB."""

_HIDDEN = "Redacted. Left empty it keeps its value; what you write takes its place."
_PARTLY = "Parts are redacted. Where you leave their marks as they are, they keep their values."
_KINDS: tuple[tuple[type, str], ...] = ((bool, "boolean"), (int, "number"), (float, "number"), (str, "string"))


@dataclass(frozen=True, slots=True)
class Difference:
    """What the arguments filled in would bring; `mentions` name whom the changed call asks first."""

    args: Json
    preview: Preview
    mentions: Sequence[str] = ()


def edit_form(
    view: RequestView, schema: Json | None, *, channel: str = "", found: Difference | None = None, fault: str = ""
) -> Part:
    """The form. `schema` is the tool's own, None where it is not known; `found` is what was filled in so far, `fault` a
    sentence on why that cannot be."""
    if view.status is not RequestStatus.PENDING:
        return closed(view, channel=channel)
    shown = view.args or {}
    about: list[Part] = [context(plain(f"What {subject_of(view).title} is called with", 200))]
    if fault:
        about.append(section(plain(clip(line(fault), 1_000))))
    if found is not None:
        about += _difference(found)
    fields = fields_for(_form_schema(schema, shown), _open_values(shown), exact=True)
    needed = {DecisionKind.APPROVED, DecisionKind.EDITED} & set(view.require_reason)
    why = text_field(
        FieldId.REASON, "Why?", optional=not needed, hint="The thread and the other approvers get these words."
    )
    memory = Metadata(target_of(view), 0, channel, digest_of(found.args) if found else "")
    submit = "Show what changes" if found is None else "Approve this" if found.preview.counts else "Ask for approval"
    form = modal(CallbackId.EDIT, "Edit the call", [*about, *fields, why], memory)
    return {**form, "submit": plain(submit, 24)}


def read_edit(view: RequestView, schema: Json | None, state: Mapping[str, Any]) -> Filled | Unfit:
    """All arguments as they were filled in, redacted ones as they are shown."""
    shown = view.args or {}
    made_from, held, known = _form_schema(schema, shown), _open_values(shown), schema is not None
    read = read_fields(made_from, state, held, elsewhere=FieldId.REASON.value, checked=known)
    if isinstance(read, Unfit):
        return read
    kept = {name: shown[name] if _is_hidden(shown[name]) and name not in read.values else read.values.get(name)
            for name in shown if name in read.values or _is_hidden(shown[name])}  # fmt: skip
    values = {**kept, **{name: value for name, value in read.values.items() if name not in shown}}
    if is_same(values, shown):
        return Unfit({FieldId.REASON.value: "Nothing is changed yet: these are the arguments it has already."})
    return Filled(values)


def too_much(preview: Preview) -> str:
    """Why so great a change cannot be shown; empty where it can."""
    length = len(changed_arguments(preview.changes).text)
    if length <= MOST_SHOWN:
        return ""
    return (
        f"So much cannot be shown at once: {quantity(length, 'character')} of changes. Change less, or reject the call."
    )


def digest_of(args: Json) -> str:
    """What a second submission must agree with."""
    return hashlib.sha256(json.dumps(args, sort_keys=True).encode()).hexdigest()


def _difference(found: Difference) -> list[Part]:
    preview = found.preview
    written = changed_arguments(preview.changes)
    shown = [rich(preformatted(page)) for page in pages(written.text, PAGE_CHARACTERS)]
    odd = (
        f"{SEPARATOR}{quantity(written.escaped, 'hidden or deceptive character')} made visible"
        if written.escaped
        else ""
    )
    return [
        rich(sentence(bold("What changes"), odd)),
        *shown,
        *(section(plain(clip(line(remark), 1_000))) for remark in preview.remarks),
        context(ours(_asks(found)), data(f"By {preview.rules.policy}", 200)),
    ]


def _asks(found: Difference) -> str:
    """Whom the changed call asks, and what the editor's own word is worth."""
    stages, counts = found.preview.rules.stages, found.preview.counts
    if counts and len(stages) == 1 and stages[0].quorum == 1:
        return "Your own approval is enough."
    step = f"stage 1 of {len(stages)}: " if len(stages) > 1 else ""
    asks = f"Asks {step}{listed(found.mentions)}" if found.mentions else "Nobody can be named whom it asks"
    own = "Your own approval counts." if counts else "You may not approve it yourself: others are asked."
    return f"{asks}. {own}"


def _form_schema(schema: Json | None, shown: Json) -> Json:
    """What the fields are made from: the tool's own schema, with a field for every argument there is, without what
    cannot be said of a value that is not seen. Whether the whole fits the tool is judged again on the true values."""
    own = (schema or {}).get("properties")
    given: Mapping[str, Any] = own if isinstance(own, Mapping) else {}
    properties = {
        name: _property(name, given.get(name), shown.get(name))
        for name in (*shown, *(one for one in given if one not in shown))
    }
    listed_names = (schema or {}).get("required")
    named = set(listed_names) if isinstance(listed_names, list | tuple) else set()
    required = [name for name in properties if (name in named or name not in given) and not _is_hidden(shown.get(name))]
    definitions = {key: schema[key] for key in ("$defs", "definitions") if schema and key in schema}
    return {"type": "object", "properties": properties, "required": required, **definitions}


def _property(name: str, one: Any, value: JsonValue) -> Json:
    """What the field of an argument is made from; it is called as on the card."""
    kind = _kind(value)
    known: dict[str, Any] = dict(one) if isinstance(one, Mapping) else {"type": kind} if kind else {}
    if _is_hidden(value):
        known = {key: kept for key, kept in known.items() if key not in ("default", "examples")}
        return {**known, "title": name, "description": _HIDDEN}
    if MARK in json.dumps(value, ensure_ascii=False):
        return {**({"type": "string"} if isinstance(value, str) else {}), "title": name, "description": _PARTLY}
    return {**known, "title": name}


def _kind(value: JsonValue) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "")


def _open_values(shown: Json) -> Json:
    return {name: value for name, value in shown.items() if not _is_hidden(value)}


def _is_hidden(value: JsonValue) -> bool:
    return value == MARK
