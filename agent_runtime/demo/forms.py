"""Forms of the demo agents, and the sentence that a filled form says: the agents themselves only read sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agent_runtime.demo import planner

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """JSON schema of the fields, and what they say when they are filled in."""

    schema: Schema
    say: Callable[[Mapping[str, Any]], str]


def _schema(required: tuple[str, ...], **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _text(title: str, description: str, example: str, longest: int = 100) -> Schema:
    return {
        "type": "string",
        "title": title,
        "description": description,
        "examples": [example],
        "minLength": 1,
        "maxLength": longest,
    }


MAIL = Form(
    _schema(
        ("to", "about"),
        to=_text("To", "Addresses or groups, with commas between them.", "team"),
        about=_text("About", "What the mail says; a person reads it before it goes out.", "meeting", 200),
    ),
    lambda filled: f"Send email to {filled['to']} about {filled['about']}",
)

FLIGHT = Form(
    _schema(
        ("destination",),
        destination=_text("Where to", "A city.", "Rome"),
        airline={"enum": list(planner.AIRLINES), "title": "Airline", "description": "Left out, you will be asked."},
    ),
    lambda filled: (
        f"Book a flight to {filled['destination']}" + (f" with {filled['airline']}" if filled.get("airline") else "")
    ),
)

PURCHASE = Form(
    _schema(
        ("item", "quantity", "amount"),
        item=_text("What", "One kind of thing.", "laptops"),
        quantity={"type": "integer", "title": "How many", "minimum": 1, "maximum": 999_999, "default": 1},
        amount={
            "type": "integer",
            "title": "Total price in US dollars",
            "description": "Digits only, such as 12000. From 1000 on people are asked.",
            "minimum": 1,
            "maximum": 999_999_999,
        },
    ),
    lambda filled: f"Buy {filled['quantity']} {filled['item']} for {filled['amount']}",
)
