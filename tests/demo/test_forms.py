"""The demo agents' forms: what is filled in is what their sentences are understood as."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_runtime.demo import agents, planner
from agent_runtime.demo.forms import FLIGHT, MAIL, PURCHASE
from agent_runtime.forms import TEXT_FORM, form_faults, form_of
from agent_runtime.registry import as_agent

words = st.text("abcdefghijklmnopqrstuvwxyzäöü0123456789-", min_size=1, max_size=12)


@settings(deadline=None)
@given(words, st.integers(1, 999_999), st.integers(1, 999_999_999))
def test_a_filled_purchase_is_understood(item: str, quantity: int, amount: int) -> None:
    """Item, quantity and price reach the planner as they were filled in."""
    filled = {"item": f"{item} things", "quantity": quantity, "amount": amount}
    assert form_faults(PURCHASE.schema, filled) == {}
    assert planner.purchase(PURCHASE.say(filled)) == planner.Purchase(f"{item} things", quantity, amount)


@settings(deadline=None)
@given(words, st.sampled_from((None, *planner.AIRLINES)))
def test_a_filled_flight_is_understood(city: str, airline: str | None) -> None:
    """The destination, and the airline where one was chosen."""
    filled = {"destination": city, **({"airline": airline} if airline else {})}
    assert form_faults(FLIGHT.schema, filled) == {}
    assert planner.flight(FLIGHT.say(filled)) == planner.Flight(city, airline or "")


def test_a_filled_mail_is_understood() -> None:
    """The group and the topic."""
    found = planner.email(MAIL.say({"to": "team", "about": "meeting"}))
    assert found is not None
    assert (found.to, found.subject) == ("team@example.com", "Meeting")


def test_the_demo_agents_offer_their_forms(tmp_path: Path) -> None:
    """Three have one; the others take a text."""
    made = {name: as_agent(one) for name, one in agents(tmp_path).items()}
    assert {name for name, agent in made.items() if form_of(agent) is not TEXT_FORM} == {
        "approval", "input", "multi-step",
    }  # fmt: skip
