"""Harms to the rows of one run between its card and its call: what somebody can write who has the file and not the key.
Whoever does them knows the code. A row is changed with its plain digest and every copy of it, the log is told of it by
an entry that is linked like any other, and what belongs to another request is brought with its genuine seal."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from agent_runtime.agents import ToolCall
from agent_runtime.digest import digest_call
from storage.types import Json
from tests.core.world import EVE, World
from tests.security.stories import Kept

HEX = "0123456789abcdef"
TIMES = ("2030-01-07 08:00:00.000000", "2030-01-07 09:00:30.000000", "2031-01-01 00:00:00.000000")
YES = "revision = ? and kind = 'approved' and withdrawn_at is null"

Row = dict[str, Any]
Then = Callable[[World], Awaitable[object]]
"""What somebody does after the rows were harmed, through the front door."""


@dataclass(frozen=True)
class Victim:
    """One run, what else its store holds, and rows of it as they were once."""

    file: sqlite3.Connection
    run_id: str
    request_id: str | None
    other_id: str
    """Another run's request."""
    kept: Kept
    log: bool
    """Whether the log is harmed, too: it is one for all runs of a store, and broken for all of them then."""

    def sql(self, statement: str, *values: Any) -> int:
        """Write; how many rows that changed."""
        return self.file.execute(statement, values).rowcount

    def rows(self, statement: str, *values: Any) -> list[Row]:
        return [dict(row) for row in self.file.execute(statement, values)]

    @property
    def request(self) -> Row:
        """The request as it stands now."""
        return self.rows("select * from request where id = ?", self.request_id)[0]

    @property
    def other(self) -> Row:
        return self.rows("select * from request where id = ?", self.other_id)[0]

    @property
    def rules(self) -> dict[str, Any]:
        rules: dict[str, Any] = json.loads(self.request["rules"])
        return rules

    def votes(self) -> list[Row]:
        """Its decisions, in order."""
        return self.rows("select * from decision where request_id = ? order by id", self.request_id)

    def standing(self) -> list[Row]:
        """The yeses on the present revision that nobody took back."""
        revision = self.request["revision"]
        return self.rows(
            f"select * from decision where request_id = ? and {YES} order by id", self.request_id, revision
        )

    def set(self, **columns: Any) -> None:
        """Columns of the request."""
        names = ", ".join(f"{name} = ?" for name in columns)
        self.sql(f"update request set {names} where id = ?", *columns.values(), self.request_id)

    def put_back(self, table: str) -> None:
        """The row that was kept, in the place of what is there now."""
        row = self.kept[table]
        self.sql(f"insert or replace into {table} values ({', '.join('?' * len(row))})", *row)

    def add(self, table: str, row: Row) -> None:
        """A row more, where its keys are free."""
        self.sql(
            f"insert or ignore into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", *row.values()
        )

    def tell(self, event: str, digest: str, actor: str = EVE.key, **about: Any) -> None:
        """The log's newest entry: linked to the one before it, and under a seal that some other entry had."""
        if not self.log:
            return
        (last,) = self.rows("select * from audit order by seq desc limit 1")
        entry = {**last, "seq": last["seq"] + 1, "event": event, "actor": actor, "digest": digest}
        entry |= {"run_id": self.run_id, "request_id": self.request_id or "", "previous": last["hash"]}
        entry |= about
        self.add("audit", entry | {"hash": hashlib.sha256(json.dumps(entry).encode()).hexdigest()})


Harm = Callable[[Random, Victim], Then | None]


def digest_of(request: Row, args: Json, revision: int) -> str:
    """The plain digest of the request's call with these arguments."""
    call = ToolCall(step=request["step"], id=request["call_id"], tool=request["tool"], args=args)
    return digest_call(request["agent"], request["run_id"], call, revision)


def flipped(rng: Random, text: str) -> str:
    """A hexadecimal text with one digit changed."""
    place = rng.randrange(len(text))
    return text[:place] + rng.choice([digit for digit in HEX if digit != text[place]]) + text[place + 1 :]


def altered(rng: Random, args: dict[str, Any]) -> dict[str, Any]:
    """Other arguments that the tool takes as well."""
    return rng.choice(
        [
            {**args, "amount": args.get("amount", 0) + rng.choice([1, -1, 90_000])},
            {**args, "to": {"name": "Bergen", "tags": ["a", "b"]}},
            {**args, "to": {"name": "Oslo", "tags": []}},
            {**args, "fast": True},
            {name: value for name, value in args.items() if name != "amount"},
        ]
    )


def twisted(rng: Random, value: Any) -> Any:
    """The JSON value with one thing in it changed, be it valid or not."""
    if isinstance(value, dict) and value:
        key = rng.choice(sorted(value))
        return {**value, key: twisted(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.5:
        place = rng.randrange(len(value))
        return [*value[:place], *([twisted(rng, value[place])] if rng.random() < 0.5 else []), *value[place + 1 :]]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return rng.choice([value + 1, value - 1, 1, 0, value * 10, str(value)])
    return rng.choice(["user:UEVE", "PT9H", "PT1S", None, True, [value], [], {}])


# Arguments, revisions, digests


def change_arguments(rng: Random, victim: Victim) -> None:
    """Other arguments in every place that holds them, in all but one of these, or in one alone, with their digest or
    without."""
    request = victim.request
    args = altered(rng, json.loads(request["args"]))
    if request["revision"] > 1 and rng.random() < 0.3:
        args = json.loads(request["asked_args"])
    digest, text = digest_of(request, args, request["revision"]), json.dumps(args)
    asked: Row = {"asked_args": text, "asked_digest": digest_of(request, args, 1)}
    asks_so = request["revision"] == 1 or rng.random() < 0.3
    if rng.random() < (0.5 if request["revision"] > 1 else 0.1):  # the first revision's are the agent's to say
        victim.set(args=text)
        return
    places: list[Callable[[], object]] = [
        lambda: victim.set(args=text, digest=digest),
        lambda: victim.sql(
            f"update decision set digest = ? where request_id = ? and {YES}", digest, request["id"], request["revision"]
        ),
        lambda: victim.sql(
            "update decision set value = ? where request_id = ? and kind = 'edited'", text, request["id"]
        ),
        lambda: victim.sql(
            "update audit set digest = ? where request_id = ? and digest = ?", digest, request["id"], request["digest"]
        ),
        *([lambda: victim.set(**asked)] if asks_so else []),
        *([lambda: victim.sql("update run set checkpoint = ? where id = ?", text, victim.run_id)] if asks_so else []),
    ]
    if not victim.log:
        del places[3]
    left_out = rng.choice([None, None, *places])
    alone = rng.choice(places) if rng.random() < 0.3 else None
    for place in [alone] if alone is not None else places:
        if place is not left_out:
            place()


def change_revision(rng: Random, victim: Victim) -> None:
    """Another revision, with the digests of that one; the agent's own call for the one that people made of it."""
    request = victim.request
    revision = max(1, request["revision"] + rng.choice([-1, -1, 1]))
    args = request["asked_args"] if revision == 1 else request["args"]
    digest = digest_of(request, json.loads(args), revision)
    victim.set(revision=revision, args=args, digest=digest)
    if rng.random() < 0.7:
        victim.sql("update or ignore decision set revision = ?, digest = ? where request_id = ? and kind = 'approved'",
                   revision, digest, request["id"])  # fmt: skip
    if revision < request["revision"] and rng.random() < 0.5:
        victim.sql("delete from decision where request_id = ? and kind = 'edited'", request["id"])


def change_digest(rng: Random, victim: Victim) -> None:
    """A digest or a seal that is another's, the other one of this request, or wrong in one digit."""
    request, other = victim.request, victim.other
    column = rng.choice(["digest", "asked_digest", "rules_mac", "policy_set"])
    near = {"digest": request["asked_digest"], "asked_digest": request["digest"], "policy_set": None}
    wrong = flipped(rng, request[column] or "00")
    victim.set(**{column: rng.choice([wrong, other[column], near.get(column, "")])})


def change_column(rng: Random, victim: Victim) -> None:
    """One plain column of the request, or who the run is said to work for."""
    request, other = victim.request, victim.other
    choices: dict[str, Sequence[Any]] = {
        "stage": [request["stage"] + 1, -1], "tool": ["look", other["tool"]], "step": ["m9"], "call_id": ["c9"],
        "agent": ["nice"], "starter_key": [EVE.key], "kind": ["question", "outcome"], "pause": [request["pause"] + 1],
        "subject": ["call:m9/c9"], "generation": [7], "closed_at": TIMES, "due_at": TIMES, "held_until": [None, *TIMES],
        "consumed_at": [None, *TIMES], "opened_at": TIMES,
    }  # fmt: skip
    column = rng.choice(sorted(choices))
    victim.set(**{column: rng.choice(choices[column])})
    if column in {"starter_key", "tool"} and rng.random() < 0.5:
        victim.sql("update run set starter = json_set(starter, '$.id', 'UEVE'), starter_key = ? where id = ?",
                   EVE.key, victim.run_id)  # fmt: skip


def say_approved(rng: Random, victim: Victim) -> None:
    """The request's row says that it was approved, and the log that it was closed."""
    victim.set(status="approved", closed_at=TIMES[1], due_at=None, next_at=None, held_until=None)
    if rng.random() < 0.2:
        victim.tell("request.closed", victim.request["digest"])
