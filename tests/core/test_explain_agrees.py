"""What `signoff policy explain` says of a call is what then happens to it, over policy files and calls made at random:
from the text of the file to the rows of the run, with people who vote, a callback, the clock, or nobody at all."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_runtime.approvals import Accepted, Refused
from agent_runtime.context import Asking
from agent_runtime.explain import Explanation, explain
from agent_runtime.judging import CallFacts
from agent_runtime.policy_file import read_policy_text
from agent_runtime.reading import read_request
from storage import audit
from storage.models import Request, Run
from storage.tx import Tx
from storage.types import DecisionKind, Json, RequestKind, RequestStatus, RunStatus
from tests.core.agent import one
from tests.core.policy_texts import CALLBACK, CALLS, FILES, text
from tests.core.world import ANA, BOB, CLEO, EVE, NO, SAM, SKIP, START, YES, World

PEOPLE = {f"user:{actor.id}": actor for actor in (ANA, BOB, CLEO, SAM, EVE)}
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
WORDS = {"approve": YES, "reject": NO, "skip": SKIP}
RUNG = re.compile(
    r"(?:Stage (?P<stage>\w+): )?after (?P<after>\w+): (?P<does>.*?)(?:, said in .+? as well)?"
    r"(?:, and (?P<more>\d+) more times? every (?P<every>\w+))?\.",
    re.IGNORECASE,
)
AT_WORK = re.compile(
    r"(?:Stage (?P<stage>\w+): )?only (?P<days>.+) from (?P<start>[\d:]+) to (?P<end>[\d:]+) \((?P<zone>.+)\) "
    r"counts for that\. The time-out counts (?P<timeout>them alone, too|every hour)\.",
    re.IGNORECASE,
)
SILENCE = re.compile(r"Each stage waits (\w+), then: (\w+)\..*")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def length(words: str) -> timedelta:
    """`90m`."""
    return timedelta(**{UNITS[words[-1]]: int(words[:-1])})


@dataclass(frozen=True)
class Promise:
    """What the sentences of an explanation say will happen to its first stage, which opened then."""

    opened: datetime
    rungs: tuple[tuple[timedelta, tuple[str, ...]], ...]
    waits: timedelta
    then: str
    at_work: re.Match[str] | None

    @classmethod
    def read(cls, told: Explanation, opened: datetime = START) -> Promise:
        own = [line for line in told.times if line.startswith(f"Stage {told.stages[0].name}: ")]
        about = own if len(told.stages) > 1 else told.times
        silence = next(found for line in told.times if (found := SILENCE.fullmatch(line)))
        return cls(
            opened=opened,
            rungs=tuple(step for line in about if (found := RUNG.fullmatch(line)) for step in _steps(found)),
            waits=length(silence[1]),
            then=silence[2],
            at_work=next((found for line in about if (found := AT_WORK.fullmatch(line))), None),
        )

    @property
    def deadline(self) -> datetime:
        counts_all = self.at_work is None or self.at_work["timeout"] == "every hour"
        return self.opened + self.waits if counts_all else self.at(self.waits)

    def at(self, after: timedelta) -> datetime:
        """When people have been at work for so long, counted minute by minute on the wall of their zone."""
        moment, left = self.opened, after // MINUTE
        while left or not self._is_open(moment):
            left -= self._is_open(moment)
            moment += MINUTE
        return moment

    def _is_open(self, moment: datetime) -> bool:
        if self.at_work is None:
            return True
        wall = moment.astimezone(ZoneInfo(self.at_work["zone"]))
        start, end, now = self.at_work["start"], self.at_work["end"], f"{wall:%H:%M}"
        today, yesterday = (f"{day:%a}".lower() in self.at_work["days"] for day in (wall, wall - timedelta(days=1)))
        if start < end:
            return today and start <= now < end
        return (today and now >= start) or (yesterday and now < end)


def _steps(found: re.Match[str]) -> Iterator[tuple[timedelta, tuple[str, ...]]]:
    to = tuple(re.findall(r"user:\w+", found["does"]))
    for turn in range(int(found["more"] or 0) + 1):
        yield length(found["after"]) + turn * length(found["every"] or "0s"), to


def remarked(told: Explanation, words: str) -> bool:
    """Whether one of its remarks says so."""
    return any(words in remark for remark in told.remarks)


def may_say_yes(told: Explanation, asked: Iterable[str], voted: Collection[str] = ()) -> list[str]:
    """Those of the people asked in a stage who may decide there, where these have voted before, as it was said."""
    own = () if remarked(told, "Who started the run may approve") else (told.starter,)
    used = () if remarked(told, "vote in every stage") else voted
    return [who for who in dict.fromkeys(asked) if who not in (*own, *used)]


def needs_words(told: Explanation, decision: str) -> bool:
    """Whether it says that such a decision needs a reason."""
    return any(line.startswith("Needs a reason: ") and decision in line for line in told.remarks)


@dataclass
class Case:
    """One call in a house of its own, and what was said of it."""

    world: World
    run: Run
    told: Explanation

    def has(self, words: str) -> bool:
        return remarked(self.told, words)

    async def ran_with(self) -> list[Json]:
        """The arguments of each effect."""
        return [effect["args"] for effect in self.world.effects]

    async def check(self, ending: str, answer: str) -> None:
        """That what was said is so, to the end of the run."""
        if self.told.verdict == "allow":
            await self._ran_unasked()
            lines = await self.world.look("SELECT body FROM outbox WHERE kind = 'note'")
            assert any("without asking anybody" in str(body) for (body,) in lines) == self.has("the run's thread")
        elif self.told.verdict == "deny":
            assert (self.world.effects, await self.world.requests(self.run)) == ([], [])
            assert self.told.reason in str(self.run.output)
            assert "call.refused" in await self.world.events(self.run)
        elif self.told.asks == "people":
            await self._asked(ending)
        elif self.told.asks == "callback":
            assert await self.world.requests(self.run) == []
            assert bool(self.world.effects) == (answer == "approved")
            assert "call.decided" in await self.world.events(self.run)
        else:
            await self._ran_unasked()
            assert "call.unasked" in await self.world.events(self.run)

    async def _ran_unasked(self) -> None:
        assert self.run.status is RunStatus.SUCCEEDED
        assert await self.world.requests(self.run) == []
        (args,) = await self.ran_with()
        assert args == self.told.args or "redacted" in str(self.told.args)

    async def _asked(self, ending: str) -> None:
        request = await self.world.pending()
        await self._shown(request)
        assert self.world.effects == []
        promise = Promise.read(self.told)
        if ending in {"late", "silence"}:
            await self._climb(promise)
        if ending == "silence":
            await self._time_out(promise)
        elif ending == "no":
            await self._say_no()
        else:
            await self._say_yes(request, {who for _, to in promise.rungs for who in to} if ending == "late" else set())

    async def _shown(self, request: Request) -> None:
        """The card shows what was said: it is drawn from this view."""
        view = await self.world.db.read(read_request, request.id)
        assert view is not None
        told, rules = self.told, request.rules
        assert rules["policy"] == told.policy
        assert (view.args or {}, view.note) == (told.args, told.note)
        for shown, said in zip(view.stages, told.stages, strict=True):
            assert (shown.name, shown.approvers) == (said.name, said.approvers)
            assert (shown.quorum, shown.reject_quorum) == (said.quorum, said.reject_quorum)
        assert [one["channel"] for one in rules["stages"]] == [one.channel for one in told.stages]
        assert tuple(filter(None, (told.trouble, told.fixed))) == view.remarks
        assert [WORDS.get(word, DecisionKind.EDITED) for word in told.decisions] == list(view.decisions)
        assert view.confirm == self.has("asks once more")
        assert bool(view.grant_rule) == self.has("Approvers may say yes to the next ones")
        assert bool(rules["idempotent"]) == self.has("Runs again by itself")
        assert bool(rules["valid_for"]) == any("The approval counts for 1h" in line for line in told.times)
        watching = {str(key).split(":", 2)[2] for (key,) in await self.world.look(FYI)}
        assert watching == {who for line in told.remarks if "not asked" in line for who in _named(line)}

    async def _climb(self, promise: Promise) -> None:
        """Each step comes at its second, and calls those who were named; none after the deadline."""
        steps = [(promise.at(after), to) for after, to in promise.rungs]
        for number, (moment, to) in enumerate(step for step in steps if step[0] < promise.deadline):
            await self._until(moment - SECOND)
            assert len(await self._steps()) == number
            await self._until(moment)
            assert (await self._steps())[number:] == [("request.escalated" if to else "request.reminded", to)]
        assert (await self.world.pending()).due_at == promise.deadline

    async def _steps(self) -> list[tuple[str, tuple[str, ...]]]:
        return await self.world.db.read(_climbed, (await self.world.pending()).id)

    async def _time_out(self, promise: Promise) -> None:
        request = await self.world.pending()
        await self._until(promise.deadline - SECOND)
        assert (await self.world.request(request)).status is RequestStatus.PENDING
        await self._until(promise.deadline)
        status, run = (await self.world.request(request)).status, await self.world.run(self.run)
        assert self.world.effects == []
        if promise.then == "keep":
            assert (status, run.status) == (RequestStatus.PENDING, RunStatus.WAITING)
            return
        assert status is RequestStatus.EXPIRED
        assert run.status is (RunStatus.FAILED if promise.then == "fail" else RunStatus.SUCCEEDED)
        assert ("was skipped" in str(run.output)) == (promise.then == "skip")

    async def _say_no(self) -> None:
        kind = NO if "reject" in self.told.decisions else SKIP
        stage, request = self.told.stages[0], await self.world.pending()
        able = may_say_yes(self.told, stage.approvers)
        for person in able[: stage.reject_quorum]:
            await self._vote(person, kind)
        closed = (await self.world.request(request)).status
        if len(able) < stage.reject_quorum:
            assert closed is RequestStatus.PENDING
            return
        await self.world.settle()
        assert closed is (RequestStatus.REJECTED if kind is NO else RequestStatus.SKIPPED)
        assert self.world.effects == []

    async def _say_yes(self, request: Request, escalated: set[str]) -> None:
        voted: set[str] = set()
        for number, stage in enumerate(self.told.stages):
            assert (await self.world.pending()).stage == number
            asked = (*stage.approvers, *escalated) if number == 0 else stage.approvers
            able = may_say_yes(self.told, asked, voted)
            for person in set(PEOPLE) - set(able):
                assert isinstance(await self.world.decide(PEOPLE[person], YES, reason="Go."), Refused), person
            for person in able[: stage.quorum]:
                await self._vote(person, YES)
                voted.add(person)
            if len(able) < stage.quorum:
                assert (await self.world.request(request)).status is RequestStatus.PENDING
                return
        await self.world.settle()
        held = [line for line in self.told.times if line.startswith("Held for 30s")]
        if held:
            await self.world.pass_time(29 * SECOND)
            assert self.world.effects == []
            await self.world.pass_time(SECOND)
        assert await self.ran_with() == [(await self.world.request(request)).args]
        assert await self.world.status(self.run) is RunStatus.SUCCEEDED

    async def _vote(self, who: str, kind: DecisionKind) -> None:
        """First without words and as a guest, which counts where the explanation says so."""
        person, word = PEOPLE[who], next(word for word, of in WORDS.items() if of is kind)
        guest = self.world.member(person, guest=True)
        if needs_words(self.told, word):
            assert isinstance(await self.world.decide_as(guest, kind), Refused)
            assert isinstance(await self.world.decide(person, kind), Refused)
        said = await self.world.decide_as(guest, kind, reason="So it is.")
        assert isinstance(said, Accepted) == self.has("Guests may decide")
        if isinstance(said, Refused):
            accepted = await self.world.decide(person, kind, reason="So it is.")
            assert isinstance(accepted, Accepted), accepted

    async def _until(self, moment: datetime) -> None:
        await self.world.pass_time(moment - self.world.clock.now())


FYI = "SELECT key FROM outbox WHERE kind = 'fyi'"


def _named(line: str) -> list[str]:
    return line.removeprefix("Told, not asked: ").removesuffix(".").split(", ")


def _climbed(tx: Tx, request_id: str) -> list[tuple[str, tuple[str, ...]]]:
    """The steps of a request's ladder that were taken, with those to whom it was escalated."""
    entries = audit.of_request(tx, request_id, ("request.reminded", "request.escalated"))
    texts = audit.texts(tx, [entry.seq or 0 for entry in entries])
    return [(entry.event, tuple(texts[entry.seq or 0].body["to"])) for entry in entries]


async def tried(store: Path, file: Json, call: tuple[str, Json], asking: Asking, ending: str, answer: str) -> None:
    """Explain a call, have it made by a run, and compare."""
    policies = read_policy_text(text(file), "signoff.toml").policies
    tool, args = call
    told = explain(policies, CallFacts("agent", tool, RequestKind.TOOL, args, SAM, {"text": "go"}), asking)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(store, Path(folder) / "signoff.db")
        async with World(Path(folder), one(tool, args), policies=policies) as world:
            world.runtime.asking = asking
            world.runtime.callbacks = {CALLBACK: lambda _: answer}
            run = await world.waiting(input={"text": "go"})
            await Case(world, run, told).check(ending, answer)
            assert (await world.verify()).broken_at is None


@pytest.mark.parametrize("ending", ["yes", "no", "late", "silence"])
@settings(max_examples=settings.default.max_examples // 4)
@given(
    file=FILES,
    call=CALLS,
    asking=st.sampled_from([Asking.PEOPLE] * 8 + [Asking.LOG_ONLY, Asking.AUTO_APPROVE]),
    answer=st.sampled_from(["approved", "rejected", "skipped"]),
)
def test_what_is_explained_is_what_happens(
    empty_store: Path, file: Json, call: tuple[str, Json], asking: Asking, ending: str, answer: str
) -> None:
    """Verdict, policy, arguments, people, quorums, steps, deadline and what follows, for any file and any call."""
    asyncio.run(tried(empty_store, file, call, asking, ending, answer))
