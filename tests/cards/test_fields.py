"""Form fields: what is shown comes back as it is, whatever the schema and the texts, and Slack takes every form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agent_runtime.forms import form_faults
from bot.cards.fields import MOST_FIELDS, Filled, Unfit, block_id, fields_for, read_fields
from bot.cards.ids import ActionId
from bot.workspace.blockkit.entering import first_values, is_empty, refusal
from bot.workspace.blockkit.reading import fields_in
from bot.workspace.blockkit.surfaces import view_issues, view_too_large
from storage.types import Json
from tests.cards.hostile import SENTINEL, hostile, json_values, texts
from tests.cards.limits import mrkdwn

ANCHOR = "anchor"
# Explaining a failure writes out whole views.
many = settings(
    suppress_health_check=list(HealthCheck),
    phases=[phase for phase in Phase if phase is not Phase.explain],
)


def object_of(required: tuple[str, ...] = (), **properties: Any) -> Json:
    return {"type": "object", "properties": properties, "required": list(required)}


def modal(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    one = {"type": "section", "text": {"type": "plain_text", "text": "-"}}
    title = {"type": "plain_text", "text": "Form"}
    return {"type": "modal", "title": title, "submit": title, "blocks": [one, *blocks]}


def shown(schema: Json, values: Json | None = None, *, exact: bool = False) -> dict[str, Any]:
    """The state of a form that nobody has touched, as Slack sends it back. Slack takes the form, and its client would
    send each field that has a value."""
    view = modal(fields_for(schema, values, exact=exact))
    assert view_issues(view) == []
    assert not view_too_large(view)
    fields = fields_in(view["blocks"])
    state = first_values(fields)
    for field in fields:
        entered = state[field.block_id][field.action_id]
        assert is_empty(entered) or refusal(field, entered) is None, field
    return state


def kinds(schema: Json, values: Json | None = None, *, exact: bool = False) -> list[str]:
    return [block["element"]["action_id"] for block in fields_for(schema, values, exact=exact) if "element" in block]


scalars = st.one_of(
    st.booleans(), st.integers(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), texts
)


@st.composite
def properties(draw: st.DrawFn) -> tuple[Json, Any]:
    """A property's schema of the supported subset, and a value that may or may not suit it."""
    kind = draw(st.sampled_from(("string", "integer", "number", "boolean", "date", "enum", "object", "array", "none")))
    one: dict[str, Any] = {"type": kind}
    value: Any
    match kind:
        case "date":
            one, value = {"type": "string", "format": "date"}, draw(st.dates().map(str))
        case "enum":
            choices = draw(st.lists(scalars, min_size=1, max_size=110))
            one, value = {"enum": choices}, draw(st.sampled_from(choices))
        case "none":
            one, value = {}, draw(json_values)
        case "string":
            value = draw(texts)
        case "integer":
            value = draw(st.integers())
        case "number":
            value = draw(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
        case "boolean":
            value = draw(st.booleans())
        case _:
            value = draw(st.dictionaries(hostile, json_values, max_size=3) if kind == "object" else st.lists(texts))
    if draw(st.booleans()):
        one = {**one, "title": SENTINEL + draw(texts), "description": SENTINEL + draw(texts)}
    if draw(st.sampled_from((True, False, False))):
        value = draw(json_values)
        one.pop("type", None) if draw(st.booleans()) else None
    return one, value


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON, so that 1, 1.0 and true differ."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@many
@given(st.dictionaries(hostile, properties(), max_size=8), st.booleans())
def test_a_form_that_nobody_touches_gives_its_values_back(drawn: dict[str, Any], exact: bool) -> None:
    """Whatever the schema and the values, an untouched form changes nothing, and Slack takes it."""
    schema = object_of(tuple(drawn), **{name: one for name, (one, _) in drawn.items()})
    values = {name: value for name, (_, value) in drawn.items()}
    state = shown(schema, values, exact=exact)
    read = read_fields(schema, state, values, elsewhere=ANCHOR)
    if not form_faults(schema, values):
        assert isinstance(read, Filled), read
        assert same(read.values, values)
    else:
        assert isinstance(read, Unfit)
        assert set(read.errors) <= {*state, ANCHOR}
        assert all(0 < len(said) <= 300 for said in read.errors.values())


@many
@given(st.dictionaries(hostile, properties(), max_size=8))
def test_texts_of_a_schema_stay_data(drawn: dict[str, Any]) -> None:
    """Titles, descriptions, choices and values are plain text: nothing of them becomes markup."""
    schema = object_of(**{name: one for name, (one, _) in drawn.items()})
    blocks = fields_for(schema, {name: value for name, (_, value) in drawn.items()})
    assert list(mrkdwn(blocks)) == []


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        ({"type": "string"}, ActionId.FIELD_TEXT),
        ({"type": "integer"}, ActionId.FIELD_NUMBER),
        ({"type": "number"}, ActionId.FIELD_NUMBER),
        ({"type": "boolean"}, ActionId.FIELD_FLAG),
        ({"enum": ["a", "b"]}, ActionId.FIELD_CHOICE),
        ({"const": "a"}, ActionId.FIELD_CHOICE),
        ({"type": "string", "format": "date"}, ActionId.FIELD_DATE),
        ({"type": "array", "items": {"type": "string"}}, ActionId.FIELD_JSON),
        ({"type": "object"}, ActionId.FIELD_JSON),
        ({}, ActionId.FIELD_JSON),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, ActionId.FIELD_TEXT),
        ({"type": ["integer", "null"]}, ActionId.FIELD_NUMBER),
        ({"$ref": "#/$defs/Colour"}, ActionId.FIELD_CHOICE),
        ({"$ref": "#/$defs/Loop"}, ActionId.FIELD_JSON),
        ({"enum": [str(n) for n in range(101)], "type": "string"}, ActionId.FIELD_TEXT),
    ],
)
def test_each_kind_of_property_has_its_field(one: Json, kind: ActionId) -> None:
    """Text, number, yes or no, choice and date where the schema says so, also behind a reference; JSON for the rest."""
    schema = {**object_of(it=one), "$defs": {"Colour": {"enum": ["red"]}, "Loop": {"$ref": "#/$defs/Loop"}}}
    assert kinds(schema) == [kind.value]


def test_a_value_that_a_field_would_change_is_written_as_json() -> None:
    """Numbers past what a float holds, a text in a number's place, and hidden characters where they must be seen."""
    number = object_of(it={"type": "integer"})
    assert kinds(number, {"it": 2**53}) == [ActionId.FIELD_JSON]
    assert kinds(number, {"it": "3"}) == [ActionId.FIELD_JSON]
    assert kinds(number, {"it": True}) == [ActionId.FIELD_JSON]
    text = object_of(it={"type": "string"})
    assert kinds(text, {"it": "pay\u202e"}, exact=True) == [ActionId.FIELD_JSON]
    (block,) = fields_for(text, {"it": "pay\u202e"}, exact=True)
    assert block["element"]["initial_value"] == '"pay\\u202e"'


def test_what_is_too_long_for_any_field_is_kept() -> None:
    """A text that no field holds is said to be kept, and comes back whole."""
    schema, values = object_of(("body",), body={"type": "string"}), {"body": "x" * 3001}
    (block,) = fields_for(schema, values)
    assert block["type"] == "context"
    assert "they stay" in block["elements"][1]["text"]
    assert read_fields(schema, {}, values, elsewhere=ANCHOR) == Filled(values)


def test_a_schema_with_too_many_fields_is_one_field_of_json() -> None:
    """Past what a modal takes there is one field with all values, read back as they are."""
    names = [f"n{number}" for number in range(MOST_FIELDS + 1)]
    schema = object_of(**{name: {"type": "string"} for name in names})
    values = dict.fromkeys(names, "v")
    assert kinds(schema, values) == [ActionId.FIELD_JSON]
    assert read_fields(schema, shown(schema, values), values, elsewhere=ANCHOR) == Filled(values)


def test_an_emptied_field_takes_its_value_away() -> None:
    """Clearing an optional field leaves it out; what was empty before stays as it was."""
    schema = object_of(a={"type": "string"}, b={"type": "string"})
    state = shown(schema, {"a": "old", "b": ""})
    state[block_id(schema, 0)][ActionId.FIELD_TEXT.value]["value"] = None
    assert read_fields(schema, state, {"a": "old", "b": ""}, elsewhere=ANCHOR) == Filled({"b": ""})


def test_each_fault_stands_on_its_field() -> None:
    """What the schema refuses is said where it was entered; what belongs to no field, where the caller says."""
    schema = object_of(
        ("name", "age"),
        name={"type": "string", "maxLength": 3},
        age={"type": "integer", "minimum": 18},
        tags={"type": "array", "items": {"type": "string"}},
        more={"type": "object"},
    )
    state = shown(schema, {"name": "Bob", "age": 18, "tags": ["x"], "more": {}})
    for number, (action, text) in enumerate(
        [("text", "Robert"), ("number", "17"), ("json", "[1]"), ("json", "{not json")]
    ):
        state[block_id(schema, number)][f"signoff_field_{action}"]["value"] = text
    read = read_fields(schema, state, elsewhere=ANCHOR)
    assert isinstance(read, Unfit)
    assert list(read.errors) == [block_id(schema, 3)]  # what cannot be read comes first
    del state[block_id(schema, 3)]
    read = read_fields(schema, state, elsewhere=ANCHOR)
    assert isinstance(read, Unfit)
    assert read.errors[block_id(schema, 0)] == "At most 3 characters, please."
    assert read.errors[block_id(schema, 1)] == "18 or more, please."
    assert "is not of type 'string'" in read.errors[block_id(schema, 2)]
    whole = {**object_of(a={"type": "string"}), "minProperties": 1}
    assert set(read_fields(whole, shown(whole), elsewhere=ANCHOR).errors) == {ANCHOR}  # type: ignore[union-attr]


def test_the_schemas_defaults_are_proposed() -> None:
    """A fresh form holds the defaults; a form made from values holds those alone."""
    schema = object_of(a={"type": "string", "default": "x"}, b={"type": "boolean", "default": False})
    assert read_fields(schema, shown(schema), elsewhere=ANCHOR) == Filled({"a": "x", "b": False})
    assert read_fields(schema, shown(schema, {}), {}, elsewhere=ANCHOR) == Filled({})


def test_fields_of_another_schema_have_other_ids() -> None:
    """Typed text stays in a redrawn form, and never moves into the field of another schema."""
    one, other = object_of(a={"type": "string"}), object_of(a={"type": "string", "title": "Another"})
    assert block_id(one, 0) == block_id(object_of(a={"type": "string"}), 0)
    assert block_id(one, 0) != block_id(other, 0)


def test_choices_that_look_alike_are_numbered() -> None:
    """Two texts that a menu would cut to the same words, or a number and its text, stay apart."""
    schema = object_of(it={"enum": ["x" * 100 + "a", "x" * 100 + "b", 1, "1"]})
    (block,) = fields_for(schema)
    labels = [option["text"]["text"] for option in block["element"]["options"]]
    assert len(set(labels)) == 4
    assert labels[2:] == ["3. 1", "4. 1"]
    for value in schema["properties"]["it"]["enum"]:  # type: ignore[call-overload,index]
        read = read_fields(schema, shown(schema, {"it": value}), {"it": value}, elsewhere=ANCHOR)
        assert isinstance(read, Filled)
        assert same(read.values, {"it": value})
