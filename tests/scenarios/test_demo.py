"""The demo's play: its people, and the judge of its effects. The whole play is `make demo ARGS="--auto"`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.demo import play as acting
from bot.demo.effects import EXPECTED, compare_effects
from bot.demo.play import Play, PlayFailed
from bot.demo.scenes import director_then_finance, reject_and_revise, small_purchase
from bot.demo.stage import open_stage


async def test_scenes_leave_exactly_their_effects(tmp_path: Path) -> None:
    """Three scenes, played by the real workers, leave what they promise, and nothing else."""
    told: list[str] = []
    async with open_stage(tmp_path) as stage:
        play = Play(stage, told.append)
        for scene in (reject_and_revise, small_purchase, director_then_finance):
            await scene(play)
        assert stage.workspace.problems == []
    played = {line for line in EXPECTED if line.startswith("mail") or "mouse" in line or "vans" in line}
    assert compare_effects(tmp_path) == sorted(f"missing: {line}" for line in set(EXPECTED) - played)
    assert any("nobody approves their own" in line for line in told)


def test_an_effect_that_nobody_approved_is_named(tmp_path: Path) -> None:
    """A doubled or foreign effect is a difference, not only a missing one."""
    mouse = {"tool": "buy_small", "args": {"item": "mouse", "amount": 250}}
    (tmp_path / "purchases.jsonl").write_text((json.dumps(mouse) + "\n") * 2)
    assert "unexpected: purchase: buy_small mouse for USD 250" in compare_effects(tmp_path)


async def test_what_does_not_appear_stops_the_play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who waits in vain ends the play with what they waited for."""
    monkeypatch.setattr(acting, "PATIENCE", 0.05)
    async with open_stage(tmp_path) as stage:
        with pytest.raises(PlayFailed, match="a card that says 'unheard of'"):
            await Play(stage, print).card("unheard of", "Approve")
