"""A changed policy file holds without a restart; a broken one changes nothing and is told."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from agent_runtime.causes import Cause
from agent_runtime.policy_changes import difference
from agent_runtime.policy_file import load_policy_file, read_policy_text
from agent_runtime.policy_watch import PolicyWatch
from storage import alerts, audit
from storage.tx import Tx
from storage.types import RequestStatus
from tests.core.agent import one
from tests.core.world import ANA, YES, World

STAGE = '[default.stage]\napprovers = ["user:UANA"]\n'
FREE = STAGE + '[[policy]]\ntool = "buy"\naction = "allow"\n'
TICKS = iter(range(1_000_000_000, 2_000_000_000))


def write(path: Path, text: str) -> None:
    """Save the file; its time always moves on, however quick the test is."""
    path.write_text(text)
    os.utime(path, ns=(0, next(TICKS) * 1_000_000))


async def watched(worlds: Any, home: Path, *steps: Any, text: str = STAGE) -> tuple[World, PolicyWatch, Path]:
    """A house on a policy file that is watched."""
    path = home / "signoff.toml"
    write(path, text)
    configuration = load_policy_file(path, needs_agents=False)
    world: World = await worlds(*steps, policies=configuration.policies)
    return world, PolicyWatch(world.runtime, path, configuration), path


async def rest(watch: PolicyWatch) -> None:
    """Two looks: the file has come to rest."""
    await watch.poll()
    await watch.poll()


def _texts(tx: Tx, event: str) -> list[Any]:
    entries = [entry for entry in audit.entries(tx, 0, 100_000) if entry.event == event]
    found = audit.texts(tx, [entry.seq or 0 for entry in entries])
    return [found[entry.seq or 0].body for entry in entries]


async def test_a_changed_file_holds_for_the_next_call_and_not_for_an_open_request(worlds: Any, tmp_path: Path) -> None:
    """What was asked stays asked by its own rules; what comes next is judged by the new ones."""
    world, watch, path = await watched(worlds, tmp_path, one("buy"))
    first = await world.waiting()
    write(path, FREE)
    await rest(watch)
    (asked,) = await world.requests(first)
    assert (asked.status, asked.rules["policy"]) == (RequestStatus.PENDING, "default")
    await world.decide(ANA, YES, asked)
    await world.settle()
    second = await world.waiting()
    assert await world.requests(second) == []
    assert len(world.effects) == 2


async def test_a_reload_is_a_row_that_says_what_changed(worlds: Any, tmp_path: Path) -> None:
    """Digest before and after, and the policies by their labels."""
    world, watch, path = await watched(worlds, tmp_path)
    before = world.runtime.policies.digest
    write(path, FREE)
    await rest(watch)
    (row,) = await world.db.read(_texts, "policy.changed")
    assert (row["before"], row["digest"]) == (before, hashlib.sha256(FREE.encode()).hexdigest())
    assert row["changes"] == ['added: policy 1 (tool = "buy")']
    assert row["needs_restart"] == []


async def test_a_broken_file_keeps_the_last_good_one_and_says_so_once(worlds: Any, tmp_path: Path) -> None:
    """The same faults are one row however often the file is looked at; a mended file holds again."""
    world, watch, path = await watched(worlds, tmp_path, one("buy"))
    good = world.runtime.policies
    for _ in range(2):
        write(path, FREE + "when = 'args.'\n")
        await rest(watch)
    assert world.runtime.policies is good
    (row,) = await world.db.read(_texts, "policy.refused")
    assert "signoff.toml:6: policy 1.when: is not CEL" in row["faults"][0]
    assert row["holds"] == good.digest
    path.unlink()
    await rest(watch)
    assert world.runtime.policies is good
    assert len(await world.db.read(_texts, "policy.refused")) == 2
    write(path, FREE)
    await rest(watch)
    assert world.runtime.policies.policies
    assert (await world.verify()).broken_at is None


async def test_a_broken_file_is_an_alert_until_it_is_mended(worlds: Any, tmp_path: Path) -> None:
    """With its faults; over when the file is in order, even where the server was started anew meanwhile. The rules of
    alerts hold without a restart, too."""
    world, watch, path = await watched(worlds, tmp_path)
    write(path, STAGE + "when = 1\n")
    await rest(watch)
    (alert,) = await world.db.read(alerts.all_open)
    assert (alert.cause, alert.thing) == (Cause.POLICY, "signoff.toml")
    assert "when" in alert.facts["faults"][0]
    write(path, STAGE + '[alerts]\nwaiting = "9h"\n')
    await rest(PolicyWatch(world.runtime, path, load_policy_file(path, needs_agents=False)))
    assert await world.db.read(alerts.all_open) == []
    assert world.runtime.alerts.waiting == timedelta(hours=9)
    (row,) = await world.db.read(_texts, "policy.changed")
    assert "changed: alerts" in row["changes"]


async def test_a_file_is_not_read_while_it_is_being_written(worlds: Any, tmp_path: Path) -> None:
    """Half a file may lack the policies that forbid: it must rest for one look."""
    world, watch, path = await watched(worlds, tmp_path, text=STAGE + '[[policy]]\naction = "deny"\n')
    await rest(watch)
    for text in (STAGE, STAGE + "\n", STAGE + "[[policy]]\n"):
        write(path, text)
        await watch.poll()
        assert world.runtime.policies.policies[0].action == "deny"
    await watch.poll()
    assert world.runtime.policies.policies[0].action == "require"


async def test_a_file_that_only_looks_changed_is_no_news(worlds: Any, tmp_path: Path) -> None:
    """Saved again without a change: no row."""
    world, watch, path = await watched(worlds, tmp_path)
    write(path, STAGE)
    await rest(watch)
    assert await world.db.read(_texts, "policy.changed") == []


async def test_what_needs_a_restart_is_said(worlds: Any, tmp_path: Path) -> None:
    """Channels and agents are read at the start only; the row names their keys."""
    world, watch, path = await watched(worlds, tmp_path)
    write(path, '[slack]\napprovals_channel = "#other"\n' + STAGE)
    await rest(watch)
    (row,) = await world.db.read(_texts, "policy.changed")
    assert row["needs_restart"] == ["slack.approvals_channel"]


def test_a_difference_names_every_policy_that_is_not_as_it_was() -> None:
    """Added, removed, changed with its keys, moved; and the tables beside the policies."""
    one_, two, three = (f'[[policy]]\ntool = "{name}"\n' for name in "abc")
    before = read_policy_text(STAGE + one_ + two + three, "f").policies
    after = read_policy_text(
        "[caps]\nmax_requests = 3\n" + STAGE + two + one_ + "confirm = true\n" + '[[policy]]\nagent = "x"\n', "f"
    ).policies
    assert difference(before, after) == (
        'changed: policy 2 (tool = "a"): confirm',
        'added: policy 3 (agent = "x")',
        'removed: policy 3 (tool = "c"), as it was numbered',
        "moved: the policies stand in another order, and the first match wins",
        "changed: caps",
    )
    assert difference(before, before) == ()
