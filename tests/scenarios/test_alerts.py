"""Alerts in Slack: one message for one stuck thing, updated, with buttons for those who may press them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot.workspace import Message
from tests.scenarios.house import House, open_house

LONG = timedelta(hours=2, minutes=1)


async def look(house: House, after: timedelta = timedelta(0)) -> None:
    """Let time pass, have the process say that it lives, look at what is stuck, and deliver."""
    await house.advance(after)
    house.bot.runtime.beat(())
    await house.bot.alerts.look()
    await house.settle()


def told(house: House, channel: str = "#alerts") -> list[Message]:
    """The messages of a channel, without replies."""
    return house.ws.channel(channel).messages


async def test_a_stuck_run_is_one_message_until_it_goes_on(tmp_path: Path) -> None:
    """Raised with whom it asks and what comes next, acknowledged by an operator, refused to others, over at the end."""
    async with open_house(tmp_path) as house:
        await house.start("ana", "approval", "Send email to team about lunch")
        await look(house, LONG)
        card = house.card("waits for people", "Acknowledge")
        words = card.plain()
        assert "Warning: approval waits for people" in words
        assert "Asked: @managers. What happens next: `send_email` times out 2026-11-02 13:00 UTC, then" in words
        assert "For @oncall" in words
        await house.person("ana").click(card, "Acknowledge")
        await house.settle()
        assert "Only operators, and the people who are asked, may do this" in house.person("ana").direct[-1].plain()
        await house.person("maria").click(card, "Acknowledge")
        await house.settle()
        card = house.card("waits for people", "Mute for a day")
        assert card.labels == ["Mute for a day"]
        assert "@maria looks after this until 2026-11-02 12:01 UTC" in card.plain()
        await house.person("maria").click(house.card("Approve send_email", "Approve"), "Approve")
        await house.settle()
        await look(house)
        (over,) = told(house)
        assert "Over: approval waits for people" in over.plain()
        assert "after 2 h 1 min" in over.plain()
        assert over.labels == []
        events = [entry.event for entry in await house.audit() if entry.event.startswith("alert.")]
        assert events == ["alert.raised", "alert.refused", "alert.acknowledged", "alert.resolved"]
