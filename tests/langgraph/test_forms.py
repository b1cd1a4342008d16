"""The form of a graph: its input's fields, unless a text has a place of its own in it.

No `from __future__ import annotations` here: LangGraph reads the state's annotations when a graph is built.
"""

from typing import Annotated, Any, Literal

import pytest
from langchain_core.messages import AnyMessage
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from agent_runtime.adapters.langgraph import LangGraphAgent
from agent_runtime.forms import TEXT_FORM, form_faults, form_of
from bot.cards.fields import fields_for
from bot.cards.ids import ActionId


class Talk(TypedDict):
    """A state of messages."""

    messages: Annotated[list[AnyMessage], add_messages]
    count: int


class Sentence(TypedDict):
    """One text."""

    input: str


class Trip(TypedDict):
    """Plain fields."""

    city: str
    hotel: str
    nights: int
    kind: Literal["rail", "road"]


class Guest(BaseModel):
    """Somebody."""

    name: str


class Booking(BaseModel):
    """A model as the input."""

    room: str = Field(title="Room", description="Which one")
    note: str | None = None
    guests: list[Guest] = []
    seen: bool = False


def agent_of(state: Any, **given: Any) -> LangGraphAgent:
    built = StateGraph(state)
    built.add_node("work", lambda _state: {})
    built.add_edge(START, "work")
    return LangGraphAgent(built.compile(), **given)


@pytest.mark.parametrize("state", [Talk, Sentence])
def test_a_graph_with_a_place_for_text_takes_a_text(state: Any) -> None:
    """As its next message, or in its one text field."""
    assert agent_of(state).form is None
    assert form_of(agent_of(state)) is TEXT_FORM


def test_a_graph_of_plain_fields_offers_them() -> None:
    """Each field by its kind; an input that lacks one is refused."""
    form = form_of(agent_of(Trip))
    kinds = [block["element"]["action_id"] for block in fields_for(form)]
    assert kinds == [ActionId.FIELD_TEXT, ActionId.FIELD_TEXT, ActionId.FIELD_NUMBER, ActionId.FIELD_CHOICE]
    assert form_faults(form, {"city": "Rome", "hotel": "x", "nights": 2, "kind": "rail"}) == {}


def test_a_model_is_a_form_with_its_titles_and_defaults() -> None:
    """Optional texts stay texts, nested models are JSON, also behind their references."""
    agent = agent_of(Booking, form=Booking.model_json_schema())
    blocks = fields_for(form_of(agent))
    kinds = [block["element"]["action_id"] for block in blocks]
    assert kinds == [ActionId.FIELD_TEXT, ActionId.FIELD_TEXT, ActionId.FIELD_JSON, ActionId.FIELD_FLAG]
    assert [block["label"]["text"] for block in blocks] == ["Room", "Note", "Guests", "Seen"]
    assert [block["optional"] for block in blocks] == [False, True, True, True]
    assert form_faults(form_of(agent), {"room": "1", "guests": [{"name": 3}]}).keys() == {"guests"}


def test_an_agent_that_reads_its_input_itself_takes_a_text() -> None:
    """Unless it says which fields it wants."""
    assert agent_of(Trip, read_input=lambda value: value).form is None
    assert agent_of(Trip, read_input=lambda value: value, form={"type": "object"}).form == {"type": "object"}
