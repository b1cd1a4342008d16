"""The judgement itself: each breach that it looks for is found when it is there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.agent import Calls, call
from tests.core.world import ANA, KEY, NO, World
from tests.crash.effects import act, append
from tests.crash.findings import breaches, read_files
from tests.crash.judging import look

Harm = Callable[[Path, str], object]


def sql(statement: str) -> Harm:
    return lambda folder, _run: look(folder, statement)


def effect(tool: str, item: str) -> Harm:
    return lambda folder, run: act(folder, run, tool, {"item": item})


HARMS: dict[str, Harm] = {
    "was accepted and is lost": lambda folder, _run: append(folder / "accepted.jsonl", {"run": "RGONE"}),
    "the decision": sql("DELETE FROM decision WHERE kind = 'approved'"),
    "decisions": sql(
        "INSERT INTO decision (id, request_id, revision, stage, kind, actor, actor_key, reason, value, digest, mac, "
        "at, withdrawn_at) SELECT 9, request_id, revision, stage, kind, actor, 'other', reason, value, digest, mac, "
        "at, withdrawn_at FROM decision WHERE id = 1"
    ),
    "breaks its seal": sql("UPDATE decision SET kind = 'approved'"),
    "is running": sql("UPDATE run SET status = 'running'"),
    "is pending": sql("UPDATE request SET status = 'pending' WHERE tool = 'buy'"),
    "is unknown": sql("UPDATE journal SET status = 'unknown'"),
    "started 1 times, 1 were allowed": sql("UPDATE journal SET starts = 2"),
    "happened more than once": effect("buy", "pens"),
    "happened without a start": effect("wipe", "disk"),
    "happened though it was refused": effect("drop", "orders"),
    "never happened": lambda folder, _run: (folder / "effects.jsonl").write_text(""),
    "was changed after it was written": sql("UPDATE audit SET actor = 'somebody' WHERE seq = 3"),
    "times request.closed": sql("DELETE FROM audit WHERE event = 'request.closed'"),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the files of a run that ended well."""
    return tmp_path_factory.mktemp("finished")


@pytest.fixture
async def run(finished: Path) -> str:
    """The id of a run whose approved call was made and whose rejected call was not, on the finished files."""
    if not (finished / "run").exists():
        step = Calls((call("buy", {"item": "pens"}), call("drop", {"item": "orders"}, call_id="c2")))
        async with World(finished, step) as world:
            started = await world.waiting()
            for request in await world.all_pending():
                kind = {} if request.tool == "buy" else {"kind": NO}
                accepted = await world.decide(ANA, request=request, **kind)
                told = {"request": request.id, "kind": "approved" if not kind else "rejected", "by": ANA.key}
                append(finished / "accepted.jsonl", told)
                assert accepted is not None
            await world.settle()
        append(finished / "accepted.jsonl", {"run": started.id})
        (finished / "run").write_text(started.id)
    return (finished / "run").read_text()


async def test_files_of_a_good_run_have_no_breach(finished: Path, run: str) -> None:
    """Where nothing was harmed, nothing is found."""
    assert breaches(await read_files(finished, KEY)) == []


@pytest.mark.parametrize("words", HARMS)
async def test_a_breach_is_found(words: str, finished: Path, run: str, tmp_path: Path) -> None:
    """Each harm that is done to the files is told in its own words."""
    harmed = tmp_path / "harmed"
    shutil.copytree(finished, harmed)
    HARMS[words](harmed, run)
    found = breaches(await read_files(harmed, KEY))
    assert any(words in breach for breach in found), found
