"""Form fields made from a JSON schema, and what people filled in read back. Pure, and the same for starting an agent
and for editing a call.

A field is text, several lines, a number, yes or no, a choice or a date; everything else is JSON that people type. How a
field is to be read stands in its action id, so what was shown decides, also where a value did not suit its schema.
What fits no field at all is shown as it is and kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_runtime.forms import NO_FIELD, form_faults
from bot.cards.blocks import Part, context, data, plain
from bot.cards.entered import NotRead, read_entry
from bot.cards.entries import Entry, entry_for, fits
from bot.cards.text import clip, line
from storage.types import Json, JsonValue

MOST_FIELDS = 60
MOST_BYTES = 150_000
"""A form past either is one field with all of it as JSON: Slack takes 100 blocks and 250 kB in a view."""

_LABEL, _HINT, _ERROR = 150, 300, 300
_REFERENCES = 8


@dataclass(frozen=True, slots=True)
class Filled:
    """What was filled in, and nothing is wrong with it."""

    values: Json


@dataclass(frozen=True, slots=True)
class Unfit:
    """What is wrong, as a sentence for each block id: what a submission's `errors` takes. Never empty."""

    errors: Mapping[str, str]


def fields_for(schema: Json, values: Json | None = None, *, exact: bool = False) -> list[Part]:
    """The input blocks for an object's properties, in their order, at most `MOST_FIELDS`. They hold `values`; None is
    for the schema's own defaults. `exact` writes values with deceptive characters as JSON, where they can be seen."""
    given = defaults(schema) if values is None else values
    properties = _properties(schema)
    blocks = [
        _field(block_id(schema, number), name, _resolved(one, schema), name in _required(schema), given, exact)
        for number, (name, one) in enumerate(properties.items())
    ] if len(properties) <= MOST_FIELDS else []  # fmt: skip
    if len(blocks) == len(properties) and len(json.dumps(blocks)) <= MOST_BYTES:
        return blocks
    return [_field(_whole(schema), "Everything", {"type": "object"}, True, {"Everything": given}, exact)]


def read_fields(
    schema: Json, state: Mapping[str, Any], values: Json | None = None, *, elsewhere: str, checked: bool = True
) -> Filled | Unfit:
    """What was filled in, from a view's `state["values"]`, checked against the schema. `values` are those the fields
    were made with: what had no field is kept. `elsewhere` is the block id of an input block that gets a fault of no
    field of its own. `checked`: whether the schema is somebody's own and to be kept to."""
    given = defaults(schema) if values is None else values
    whole = _whole(schema)
    if whole in state:
        return _read_whole(schema if checked else {}, state[whole], given, whole)
    names = list(_properties(schema))
    read, errors = dict(given), {}
    for number, name in enumerate(names):
        block = block_id(schema, number)
        if block not in state:
            continue
        try:
            entered = read_entry(state[block], _resolved(_properties(schema)[name], schema))
        except NotRead as fault:
            errors[block] = str(fault)
            continue
        _put(read, name, entered)
    ids = {name: block_id(schema, number) for number, name in enumerate(names)}
    if not errors and checked:
        for name, sentence in form_faults(schema, read).items():
            at = ids.get(name, "")
            at, said = (at, sentence) if at in state else (elsewhere, _about(name, sentence))
            errors.setdefault(at, clip(line(said), _ERROR))
    return Unfit(errors) if errors else Filled(read)


def defaults(schema: Json) -> Json:
    """The values that the schema itself proposes."""
    return {name: one["default"] for name, one in _all_resolved(schema).items() if one.get("default") is not None}


def text_field(schema: Json) -> str | None:
    """The property that a text of somebody's would go into: the first of several lines, else the first text."""
    texts = {
        name: one for name, one in _all_resolved(schema).items() if one.get("type") == "string" and not _narrow(one)
    }
    wide = (name for name, one in texts.items() if "contentMediaType" in one)
    return next(wide, next(iter(texts), None))


def labels_of(schema: Json) -> dict[str, str]:
    """What people call each property, in the order of the fields."""
    return {name: _title(name, one) for name, one in _all_resolved(schema).items()}


def block_id(schema: Json, number: int) -> str:
    """Where the field of a property stands: the same for the same schema, so that a redrawn form keeps what was typed,
    and another one for any other, so that no field takes over a stranger's text."""
    return f"signoff_field.{_stem(schema)}.{number}"


def _whole(schema: Json) -> str:
    return f"signoff_field.{_stem(schema)}.all"


def _stem(schema: Json) -> str:
    return hashlib.sha256(json.dumps(schema, default=str).encode()).hexdigest()[:12]


def _properties(schema: Json) -> Mapping[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _required(schema: Json) -> frozenset[str]:
    names = schema.get("required")
    return frozenset(str(name) for name in names) if isinstance(names, list | tuple) else frozenset()


def _all_resolved(schema: Json) -> dict[str, Json]:
    return {name: _resolved(one, schema) for name, one in _properties(schema).items()}


def _narrow(one: Json) -> bool:
    return "enum" in one or "const" in one or "format" in one


def _resolved(one: Any, schema: Json) -> Json:
    """A property's schema with its local references followed and without the `null` that makes it optional."""
    found: dict[str, Any] = dict(one) if isinstance(one, Mapping) else {}
    for _ in range(_REFERENCES):
        target = _inner(found, schema)
        if target is None:
            break
        rest = {key: value for key, value in found.items() if key not in ("$ref", "anyOf", "oneOf")}
        found = {**target, **rest}
    kinds = found.get("type")
    if isinstance(kinds, list | tuple):
        named = [kind for kind in kinds if kind != "null"]
        found["type"] = named[0] if len(named) == 1 else None
    return found


def _inner(found: Mapping[str, Any], schema: Json) -> Mapping[str, Any] | None:
    reference = found.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target: Any = schema
        for step in reference[2:].split("/"):
            target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, Mapping) else None
        return target if isinstance(target, Mapping) else None
    ways = found.get("anyOf", found.get("oneOf"))
    if isinstance(ways, list | tuple):
        others = [way for way in ways if not (isinstance(way, Mapping) and way.get("type") == "null")]
        return others[0] if len(others) == 1 and isinstance(others[0], Mapping) else None
    return None


def _field(block: str, name: str, one: Json, required: bool, given: Json, exact: bool) -> Part:
    """The block of one property. Where its value is empty by right, the field may stay empty, too."""
    value = given.get(name)
    label = data(_title(name, one), _LABEL)
    if not fits(one, value, exact):
        kept = f"{len(json.dumps(value, ensure_ascii=False)):,} characters are too many to change here; they stay."
        return {**context(label, plain(kept)), "block_id": block}
    entry = entry_for(one, value, exact)
    may_be_empty = not required or (name in given and _is_empty(value))
    part: Part = {"type": "input", "block_id": block, "label": label, "element": entry.element}
    part["optional"] = may_be_empty
    if hint := _hint(one, entry):
        part["hint"] = plain(clip(line(hint), _HINT))
    return part


def _title(name: str, one: Json) -> str:
    title = one.get("title")
    return title if isinstance(title, str) and title.strip() else name


def _hint(one: Json, entry: Entry) -> str:
    about = one.get("description")
    return " ".join(filter(None, (about if isinstance(about, str) else "", entry.hint)))


def _put(read: dict[str, JsonValue], name: str, entered: JsonValue) -> None:
    """An empty field takes its value away, unless that was as good as empty before."""
    if entered is not None:
        read[name] = entered
    elif not _is_empty(read.get(name)):
        del read[name]


def _is_empty(value: JsonValue) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _read_whole(schema: Json, state: Any, given: Json, block: str) -> Filled | Unfit:
    try:
        entered = read_entry(state, {"type": "object"})
    except NotRead as fault:
        return Unfit({block: str(fault)})
    entered = given if entered is None else entered
    if not isinstance(entered, Mapping):
        return Unfit({block: "This must be a JSON object: {...}."})
    said = [_about(name, sentence) for name, sentence in form_faults(schema, entered).items()]
    return Unfit({block: clip(line(" ".join(said)), _ERROR)}) if said else Filled(entered)


def _about(name: str, sentence: str) -> str:
    return f"{name}: {sentence}" if name != NO_FIELD else sentence
