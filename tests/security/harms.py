"""Random harms to the rows of one run, well-formed but not sealed by us: what somebody with the file and without the
key can write between a card and the call."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from agent_runtime.agents import ToolCall
from agent_runtime.digest import digest_call
from storage.models import Request
from tests.core.world import World

HEX = "0123456789abcdef"
TIMES = ("2030-01-07 08:00:00.000000", "2030-01-07 09:30:00.000000", "2031-01-01 00:00:00.000000")


@dataclass(frozen=True)
class Victim:
    """One run between its card and its call. `before` is its request's row as it was when it opened, `taken_back` are
    rows of votes as they were before they were taken back; `other` is another run's request in the same store."""

    world: World
    request: Request
    before: tuple[Any, ...]
    other: Request
    taken_back: Sequence[tuple[Any, ...]] = ()

    async def sql(self, statement: str, *values: Any) -> int:
        return await self.world.sql(statement, *values)

    async def set(self, column: str, value: Any) -> None:
        """One column of the request."""
        await self.sql(f"update request set {column} = ? where id = ?", value, self.request.id)


Harm = Callable[[Random, Victim], Awaitable[Any]]


def twisted(rng: Random, value: Any) -> Any:
    """The JSON value with one thing in it changed."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(sorted(value))
        if rng.random() < 0.15:
            return {name: item for name, item in value.items() if name != key}
        return {**value, key: twisted(rng, value[key])}
    if isinstance(value, dict):
        return {**value, "extra": rng.randint(0, 9)}
    if isinstance(value, list) and value:
        place = rng.randrange(len(value))
        return [*value[:place], twisted(rng, value[place]), *value[place + 1 :]]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return rng.choice([value + 1, value * 10, -value - 1, 0, str(value)])
    return rng.choice(["UEVE", "user:UEVE", 1, None, True, [value]])


def flipped(rng: Random, text: str) -> str:
    """A hexadecimal text with one digit changed."""
    place = rng.randrange(len(text))
    return text[:place] + rng.choice([digit for digit in HEX if digit != text[place]]) + text[place + 1 :]


async def twist_request(rng: Random, victim: Victim) -> None:
    """One JSON column of the request."""
    column = rng.choice(["args", "asked_args", "rules", "rules", "closed_by"])
    await victim.set(column, json.dumps(twisted(rng, getattr(victim.request, column))))


async def change_request(rng: Random, victim: Victim) -> None:
    """One plain column of the request."""
    request = victim.request
    choices: dict[str, Sequence[Any]] = {
        "revision": [request.revision - 1, request.revision + 1],
        "stage": [request.stage + 1, -1],
        "digest": [flipped(rng, request.digest), request.asked_digest, victim.other.digest],
        "asked_digest": [flipped(rng, request.asked_digest), request.digest, victim.other.asked_digest],
        "rules_mac": [flipped(rng, request.rules_mac), victim.other.rules_mac, ""],
        "policy_set": [None, "", flipped(rng, request.policy_set or "00")],
        "tool": ["look", victim.other.tool],
        "step": ["m9"],
        "call_id": ["c9"],
        "agent": ["nice"],
        "starter_key": ["slack:T1:UEVE"],
        "kind": ["question", "outcome"],
        "pause": [request.pause + 1],
        "status": ["approved", "expired", "rejected", "answered", "lapsed", "cancelled"],
        "closed_at": TIMES,
        "due_at": TIMES,
        "held_until": [None, *TIMES],
        "generation": [7],
        "consumed_at": [None, *TIMES],
    }
    column = rng.choice(sorted(choices))
    await victim.set(column, rng.choice(choices[column]))


async def change_decision(rng: Random, victim: Victim) -> None:
    """One column of one or all of its decisions."""
    choices: dict[str, Sequence[Any]] = {
        "kind": ["approved", "edited", "skipped"],
        "revision": [1, 2, 3],
        "stage": [1, 2],
        "actor_key": ["slack:T1:UEVE", "slack:T1:UP7"],
        "reason": ["of course"],
        "digest": [victim.request.digest, victim.request.asked_digest, victim.other.digest],
        "mac": ["", "00" * 32],
        "at": TIMES,
        "withdrawn_at": [None, *TIMES],
        "number": [0, 1, 9],
        "value": ["null", '{"amount": 90000}', json.dumps(victim.request.asked_args)],
    }
    column = rng.choice(sorted(choices))
    which = rng.choice(["", " and number = 1", " and number = 2", " and withdrawn_at is not null"])
    await victim.sql(
        f"update or replace decision set {column} = ? where request_id = ?{which}",
        rng.choice(choices[column]), victim.request.id,
    )  # fmt: skip


async def move_decision(rng: Random, victim: Victim) -> None:
    """A decision that is deleted, doubled in another's name, or brought from another run."""
    columns = "revision, stage, kind, actor, reason, value, digest, mac, at, number"
    kind = rng.choice(["delete", "double", "bring"])
    if kind == "delete":
        number = rng.choice([1, 2, 3])
        await victim.sql("delete from decision where request_id = ? and number = ?", victim.request.id, number)
        return
    source = victim.request.id if kind == "double" else victim.other.id
    actor = "'slack:T1:UP7'" if kind == "double" else "actor_key"
    await victim.sql(
        f"insert or ignore into decision (request_id, actor_key, {columns})"
        f" select ?, {actor}, {columns} from decision where request_id = ?",
        victim.request.id, source,
    )  # fmt: skip


async def change_run(rng: Random, victim: Victim) -> None:
    """What the agent will ask when it goes on: its input, its checkpoint, or who it is said to work for."""
    column = rng.choice(["input", "checkpoint", "checkpoint", "starter"])
    ((old,),) = await victim.world.look(f"select {column} from run where id = ?", victim.request.run_id)
    new = json.dumps(twisted(rng, json.loads(old)))
    await victim.sql(f"update run set {column} = ? where id = ?", new, victim.request.run_id)


async def forge(rng: Random, victim: Victim) -> None:
    """Other arguments with the digests that belong to them, everywhere or but in some places: digests need no key."""
    request = victim.request
    args = twisted(rng, request.args) if rng.random() < 0.7 else request.asked_args
    if not isinstance(args, dict):
        return
    digest = _digest(request, args, request.revision)
    own = request.revision == 1 or rng.random() < 0.3
    steps: list[tuple[str, tuple[Any, ...]]] = [
        ("update request set args = ?, digest = ? where id = ?", (json.dumps(args), digest, request.id)),
        ("update or replace decision set digest = ? where request_id = ? and kind <> 'edited'", (digest, request.id)),
        ("update decision set value = ? where request_id = ? and kind = 'edited'", (json.dumps(args), request.id)),
    ]
    if own:  # the agent asks for them, too
        asked = _digest(request, args, 1)
        steps += [
            ("update request set asked_args = ?, asked_digest = ? where id = ?", (json.dumps(args), asked, request.id)),
            ("update run set checkpoint = ? where id = ?", (json.dumps(args), request.run_id)),
        ]
    left_out = rng.choice([None, None, *range(len(steps))])
    for number, (statement, values) in enumerate(steps):
        if number != left_out:
            await victim.sql(statement, *values)


def _digest(request: Request, args: dict[str, Any], revision: int) -> str:
    call = ToolCall(step=request.step, id=request.call_id, tool=request.tool, args=args)
    return digest_call(request.agent, request.run_id, call, revision)


async def stand_again(_rng: Random, victim: Victim) -> None:
    """A vote that was taken back, put back as it was, seal and all."""
    for row in victim.taken_back:
        await victim.sql("delete from decision where id = ?", row[0])
        await victim.sql(f"insert or ignore into decision values ({', '.join('?' * len(row))})", *row)


async def put_before(rng: Random, victim: Victim) -> None:
    """The request's row as it was when it opened, with or without what it was decided about."""
    columns = [row[1] for row in await victim.world.look("pragma table_info(request)")]
    kept = ("id", "run_id", *(("status",) if rng.random() < 0.5 else ()))
    pairs = {column: value for column, value in zip(columns, victim.before, strict=True) if column not in kept}
    changes = ", ".join(f"{column} = ?" for column in pairs)
    await victim.sql(f"update request set {changes} where id = ?", *pairs.values(), victim.request.id)


async def forget(rng: Random, victim: Victim) -> None:
    """An entry of the audit log that is deleted or says something else, or policies of then that were changed."""
    events = ("decision.made", "decision.withdrawn", "request.edited", "request.closed", "request.opened")
    event, instead = rng.choice(events), rng.choice(events)
    await victim.sql(
        "update audit set event = ? where request_id = ? and event = ?", instead, victim.request.id, event
    )  # fmt: skip


async def invent_call(rng: Random, victim: Victim) -> None:
    """A row of the journal that says the call was started, or ended, or may run again."""
    request = victim.request
    await victim.sql(
        "insert or ignore into journal (run_id, call_key, step, call_id, tool, args, digest, request_id, idempotent,"
        " status, owner, attempt, starts, started_at, format, summary, mac)"
        " values (?, ?, ?, ?, ?, '{\"amount\": 90000}', ?, ?, 1, ?, 'B0', 1, 1, ?, '', '', ?)",
        request.run_id, f"{request.step}/{request.call_id}", request.step, request.call_id, request.tool,
        rng.choice([request.digest, request.asked_digest]), request.id,
        rng.choice(["started", "suspended", "unknown"]), TIMES[0], rng.choice(["", request.rules_mac]),
    )  # fmt: skip


HARMS: tuple[Harm, ...] = (
    twist_request, change_request, change_request, change_decision, change_decision, move_decision, change_run, forge,
    forge, stand_again, put_before, forget, invent_call,
)  # fmt: skip
