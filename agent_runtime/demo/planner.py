"""The deterministic planner: sentences people type, read into plans. It stands where a model would, so that the demo
needs no account anywhere and says the same every time. Pure; None means the sentence was not understood."""

from __future__ import annotations

import re
from dataclasses import dataclass

TEXT_LIMIT = 500
"""Characters of a task. Longer ones are not read: the patterns below look at every position."""

AIRLINES = ("Aurora Air", "Meridian", "Skylark")

CLOSING = "\n\nKind regards"
"""How a mail ends."""

_EMAIL = re.compile(r"\b(?:e-?mail|mail|message|write)\b.*?\bto\s+(?P<to>.+?)\s+about\s+(?P<topic>.+)", re.IGNORECASE)
_FLIGHT = re.compile(r"\b(?:flight|fly)\b.*?\bto\s+(?P<to>.+?)(?:\s+with\s+(?P<airline>.+))?$", re.IGNORECASE)
_REPORT = re.compile(r"\breport\s+(?:about|on)\s+(?P<topic>.+)", re.IGNORECASE)
_PURCHASE = re.compile(
    r"\b(?:buy|order|purchase)\s+(?:(?P<quantity>\d{1,6})\s+|an?\s+)?(?P<item>.+?)\s+for\s+"
    r"(?:usd|\$)?\s*(?P<amount>\d{1,3}(?:,\d{3}){1,2}|\d{1,9})\s*(?:\$|usd|dollars?)?(?:\s+(?:in\s+total|in\s+all))?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Email:
    """A mail to send. `to` holds addresses, with commas between them."""

    to: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Flight:
    """A flight to book; the airline is empty until somebody chose one."""

    destination: str
    airline: str = ""


@dataclass(frozen=True, slots=True)
class Purchase:
    """Something to buy. `amount` is the price of all of it together, in whole US dollars."""

    item: str
    quantity: int
    amount: int

    def __str__(self) -> str:
        return f"{self.quantity} × {self.item} for {dollars(self.amount)} in total"


def dollars(amount: int) -> str:
    """An amount as the policies' notes write it, too: `USD 4500`."""
    return f"USD {amount}"


def email(text: str) -> Email | None:
    """`Send email to team about meeting`."""
    found = _EMAIL.search(_tidy(text))
    if found is None:
        return None
    topic = found["topic"]
    people = [name for name in re.split(r",|\s+and\s+", found["to"], flags=re.IGNORECASE) if name.strip()]
    to = ", ".join(filter(None, (_address(name) for name in people)))
    body = f"Hello {found['to']},\n\nthis is about: {topic}.{CLOSING}"
    return Email(to, topic[0].upper() + topic[1:], body) if to else None


def reworded(body: str, reason: str) -> str:
    """A mail's body with what a reviewer said, before its closing words."""
    return f"{body.removesuffix(CLOSING)}\n\nRevised: {reason}{CLOSING if body.endswith(CLOSING) else ''}"


def flight(text: str) -> Flight | None:
    """`Book a flight to Rome`, with or without `with Skylark` at the end."""
    found = _FLIGHT.search(_tidy(text))
    return Flight(found["to"], airline(found["airline"] or "") or "") if found else None


def airline(name: str) -> str | None:
    """The airline of that name, however it is capitalised."""
    wanted = " ".join(name.split()).casefold()
    return next((known for known in AIRLINES if known.casefold() == wanted), None)


def report(text: str) -> str | None:
    """`Write a report about Q3 sales`: the report's title."""
    found = _REPORT.search(_tidy(text))
    return found["topic"][0].upper() + found["topic"][1:] if found else None


def draft(title: str) -> str:
    """The first draft of a report."""
    return (
        f"## Summary\n\nThis report is about {title}.\n\n"
        f"## Findings\n\nNothing was measured for it yet: it is a first draft.\n"
    )


def revised(body: str, feedback: str, number: int) -> str:
    """The draft with a section on what the reviewer of round `number` asked for: a planner has nothing to add."""
    asked = " ".join(feedback.split()) or "The reviewer did not say what to change."
    why = "The demo's planner writes nothing itself: here are your words."
    return f"{body}\n## Asked for in round {number}\n\n{why}\n\n> {asked}\n"


def purchase(text: str) -> Purchase | None:
    """`Buy 3 laptops for 4500`. Amounts are whole US dollars, with commas between thousands if at all; another
    currency is not understood."""
    found = _PURCHASE.search(_tidy(text))
    if found is None:
        return None
    quantity, amount = int(found["quantity"] or 1), int(found["amount"].replace(",", ""))
    return Purchase(found["item"], quantity, amount) if quantity and amount else None


def slug(title: str) -> str:
    """A file name made from a title: lower-case ASCII words with hyphens, at most 60 characters."""
    words = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")
    return words[:60].strip("-") or "report"


def _tidy(text: str) -> str:
    return "" if len(text) > TEXT_LIMIT else " ".join(text.split()).rstrip(" .!?")


def _address(name: str) -> str:
    name = name.strip()
    if "@" in name:
        return name
    group = re.sub(r"^(?:the|all)\s+", "", name.casefold())
    words = re.sub(r"[^a-z0-9]+", "-", group).strip("-")
    return f"{words}@example.com" if words else ""
