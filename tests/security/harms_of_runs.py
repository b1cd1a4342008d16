"""Harms to what a run has done and where it stands: the journal of its calls, and LangGraph's own checkpoints. `harms`
says who does them."""

from __future__ import annotations

import json
from random import Random

from tests.security.harms import Row, Victim, altered, digest_of


def change_journal(rng: Random, victim: Victim) -> None:
    """A call that ran looks as if it might, or had to, run again: its row says so, or is gone, or the verdict that it
    took is to be had once more."""
    row = victim.rows("select * from journal where run_id = ?", victim.run_id)[0]
    way = rng.choice(["status", "status", "gone", "gone", "other call", "other run", "moved"])
    changes: Row = {}
    if way == "status":
        changes = rng.choice(
            [
                {"status": "suspended"}, {"status": "unknown", "idempotent": 1}, {"status": "started", "idempotent": 1},
                {"status": "unknown", "ended_at": None}, {"status": "suspended", "starts": 0},
                {"status": "started", "owner": "B0", "attempt": 1},
            ]
        )  # fmt: skip
    elif way == "gone":
        victim.sql("delete from journal where run_id = ?", victim.run_id)
    elif way == "other call":
        args = altered(rng, json.loads(row["args"]))
        changes = {"args": json.dumps(args), "digest": digest_of(victim.request, args, 1), "status": "suspended"}
        victim.sql("update run set checkpoint = ? where id = ?", json.dumps(args), victim.run_id)
    elif way == "other run":
        seals = victim.rows("select mac from journal where run_id <> ?", victim.run_id)
        changes = {"mac": rng.choice(seals)["mac"], "status": rng.choice(["suspended", "unknown"])}
    else:
        changes = {"call_key": "m9/c9", "call_id": "c9", "step": "m9"}
    if changes:
        names = ", ".join(f"{name} = ?" for name in changes)
        victim.sql(f"update journal set {names} where run_id = ?", *changes.values(), victim.run_id)
    if rng.random() < 0.6:
        victim.set(consumed_at=None)
    if rng.random() < 0.3:
        victim.sql("delete from request where run_id = ? and kind = 'outcome'", victim.run_id)


def change_checkpoint(rng: Random, victim: Victim) -> None:
    """LangGraph's rows: the call's arguments in every blob that has them, or in the newest alone, with the request and
    its votes or without; the call's name or ids; another run's blobs; a row that is gone, or that nobody can read."""
    ways = ["arguments", "arguments", "together", "together", "name", "ids", "another's", "gone", "garbage"]
    way = rng.choice(ways)
    if way in {"name", "ids"}:
        _replace(rng, victim, *{"name": (b"\xa3pay", b"\xa3buy"), "ids": (b"\xa2c1", b"\xa2c7")}[way])
    elif way in {"arguments", "together"}:
        old, new, args = rng.choice(
            [(b"Oslo", b"Bonn", {"to": "Bonn", "amount": 900}),
             (b"\xcd\x03\x84", b"\xcd\x7f\x84", {"to": "Oslo", "amount": 0x7F84})]
        )  # fmt: skip
        if _replace(rng, victim, old, new) and way == "together":
            digest, text = digest_of(victim.request, args, 1), json.dumps(args)
            victim.set(args=text, asked_args=text, digest=digest, asked_digest=digest)
            victim.sql("update decision set digest = ? where request_id = ?", digest, victim.request_id)
    elif way == "another's":
        # Those of the only other one may have been deleted just now.
        for other in victim.rows(
            "select * from checkpoint where thread_id <> ? order by id desc limit 1", victim.run_id
        ):
            victim.sql("update checkpoint set body = ? where thread_id = ?", other["body"], victim.run_id)
    elif way == "gone":
        where = rng.choice(["1", "id = (select max(id) from checkpoint where thread_id = ?1)"])
        victim.sql(f"delete from checkpoint where thread_id = ?1 and {where}", victim.run_id)
        if rng.random() < 0.5:
            victim.sql("delete from checkpoint_write where thread_id = ?", victim.run_id)
    else:
        row = victim.rows("select rowid, body from checkpoint where thread_id = ? order by id desc", victim.run_id)[0]
        body = bytearray(row["body"])
        body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
        victim.sql("update checkpoint set body = ? where rowid = ?", bytes(body), row["rowid"])


def _replace(rng: Random, victim: Victim, old: bytes, new: bytes) -> int:
    """Write other bytes in the blobs of the run; in how many."""
    changed = 0
    newest = "and id = (select max(id) from checkpoint where thread_id = ?1)" if rng.random() < 0.3 else ""
    for table, where in (("checkpoint", newest), ("checkpoint_write", "")):
        for row in victim.rows(f"select rowid, body from {table} where thread_id = ?1 {where}", victim.run_id):
            if old in row["body"]:
                victim.sql(f"update {table} set body = ? where rowid = ?", row["body"].replace(old, new), row["rowid"])
                changed += 1
    return changed
