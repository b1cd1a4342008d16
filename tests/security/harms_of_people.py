"""Harms to what people said and to the rules they said it by: decisions, the policies' snapshot and kept bodies,
hand-overs, grants. `harms` says who does them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from random import Random
from typing import Any

from agent_runtime import approvals
from agent_runtime.approvals import Edit
from agent_runtime.covering import likeness
from agent_runtime.digest import digest_payload
from storage.absences import Absence
from storage.types import DecisionKind
from tests.core.world import ANA, BOB, CLEO, EVE, SAM, SURFACE, YES, World
from tests.security.harms import TIMES, Row, Then, Victim, altered, flipped, twisted
from tests.security.stories import DAN, EDITED, FAY

ACTORS = {one.key: one.model_dump_json() for one in (ANA, BOB, CLEO, DAN, FAY, EVE, SAM)}


# Decisions


def change_decision(rng: Random, victim: Victim) -> None:
    """A yes too few becomes one enough, or a vote is not what it was."""
    ways = [_fill_up, _one_column, _leave_out]
    if any(vote["withdrawn_at"] for vote in victim.votes()):
        ways += [_stand_again] * 4
    if any(vote["kind"] == "rejected" for vote in victim.votes()):
        ways += [_turn_round] * 8
    if "request" in victim.kept:
        ways += [_before_the_edit] * 6
    rng.choice(ways)(rng, victim)


def _missing(victim: Victim) -> list[int]:
    """The stages that lack yeses, once for each that is lacking."""
    stages = [vote["stage"] for vote in victim.standing()]
    return [
        number for number, one in enumerate(victim.rules["stages"]) for _ in range(one["quorum"] - stages.count(number))
    ]


def _fill_up(rng: Random, victim: Victim) -> None:
    """What is lacking is said by others: a vote copied in their name, brought from another request, from an earlier
    revision or from another stage, each bound to what is asked here, numbered, and told to the log."""
    request = victim.request
    own = victim.votes()
    foreign = victim.rows("select * from decision where request_id <> ? and kind = 'approved'", request["id"])
    spoken = {vote["actor_key"] for vote in victim.standing()}
    free = [key for key in ACTORS if key not in spoken]
    fresh = rng.random() < 0.6
    for stage in _missing(victim) or [request["stage"]]:
        source = rng.choice(own or foreign if rng.random() < 0.7 else foreign)
        key = free.pop(0) if free else EVE.key
        row = {name: value for name, value in source.items() if name != "id"}
        row |= {
            "request_id": request["id"],
            "number": len(victim.votes()) + 1,
            "kind": "approved",
            "withdrawn_at": None,
        }
        if fresh:
            row |= {"actor_key": key, "actor": ACTORS[key], "on_behalf_of": None}
        if rng.random() < 0.85:
            row |= {"revision": request["revision"], "stage": stage, "digest": request["digest"]}
        victim.add("decision", row)
        if rng.random() < 0.7:
            victim.tell("decision.made", request["digest"], row["actor_key"])


def _stand_again(rng: Random, victim: Victim) -> None:
    """A vote that was taken back stands again: its row as it was, seal and all, or without the mark alone. Another
    row, that was taken back for it, or none."""
    back = next(vote for vote in victim.votes() if vote["withdrawn_at"])
    if rng.random() < 0.8:
        victim.put_back("decision")
    else:
        victim.sql("update or ignore decision set withdrawn_at = null where id = ?", back["id"])
    if rng.random() < 0.5:
        row = {**back, "number": rng.choice([0, len(victim.votes()) + 1])}
        del row["id"]
        victim.add("decision", row)
        victim.tell("decision.made", back["digest"], back["actor_key"])


def _turn_round(rng: Random, victim: Victim) -> None:
    """A no becomes a yes, or was never said."""
    if rng.random() < 0.5:
        victim.sql(
            "update decision set kind = 'approved' where request_id = ? and kind = 'rejected'", victim.request_id
        )
    else:
        victim.sql("delete from decision where request_id = ? and kind = 'rejected'", victim.request_id)
        _fill_up(rng, victim)


def _before_the_edit(rng: Random, victim: Victim) -> None:
    """The request's row as it was when enough had said yes to it, without what was said since."""
    victim.put_back("request")
    victim.sql("update decision set withdrawn_at = null where request_id = ? and revision = 1", victim.request_id)
    if rng.random() < 0.6:
        victim.sql("delete from decision where request_id = ? and (revision > 1 or kind = 'edited')", victim.request_id)


def _leave_out(rng: Random, victim: Victim) -> None:
    """A decision is gone, or the log calls it something else."""
    vote = rng.choice(victim.votes())
    if rng.random() < 0.5 or not victim.log:
        victim.sql("delete from decision where id = ?", vote["id"])
        return
    events = ("decision.made", "request.edited", "request.closed", "request.opened")
    event, instead = rng.choice(events), rng.choice(events)
    victim.sql("update audit set event = ? where request_id = ? and event = ?", instead, victim.request_id, event)


def _one_column(rng: Random, victim: Victim) -> None:
    """One column of one vote, or of all."""
    request, other = victim.request, victim.other
    choices: dict[str, list[Any]] = {
        "kind": ["approved", "edited", "skipped"], "revision": [1, 2, 3], "stage": [0, 1, 2],
        "actor_key": [EVE.key, DAN.key], "reason": ["of course"], "digest": [request["digest"], other["digest"]],
        "mac": ["", "00" * 32], "at": list(TIMES), "number": [0, 1, 9], "withdrawn_at": [None, *TIMES],
        "value": ["null", json.dumps(altered(rng, EDITED | {})), request["asked_args"]],
        "on_behalf_of": [None, ACTORS[ANA.key], ACTORS[CLEO.key]],
    }  # fmt: skip
    column = rng.choice(sorted(choices))
    value, vote = rng.choice(choices[column]), rng.choice(victim.votes())
    where = f"id = {vote['id']}" if rng.random() < 0.7 else "1"
    victim.sql(f"update or ignore decision set {column} = ? where request_id = ? and {where}", value, victim.request_id)


# The snapshot of the policy that a request was opened under


def change_snapshot(rng: Random, victim: Victim) -> Then | None:
    """Rules by which what was said is enough, or by which somebody else may say it; other times, for those that count
    from some; now and then any other twist."""
    rules, request = victim.rules, victim.request
    way = rng.choice(["fits", "fits", "fits", "theirs", "another's", "whole set", "twisted"])
    if (rules["hold"] or rules["valid_for"]) and rng.random() < 0.6:
        when = rng.choice(TIMES)  # the row's own times, by which nothing may be early or late
        victim.set(closed_at=when, opened_at=when, stage_opened_at=when, due_at=when, held_until=when, next_at=when)
        return None
    if way == "another's":
        other = victim.other
        seal = {"rules_mac": other["rules_mac"]} if rng.random() < 0.5 else {}
        victim.set(rules=other["rules"], **seal)
        return None
    if way == "whole set":
        body = json.dumps({**json.loads(_body(victim)), "policies": [], "digest": ""}, separators=(",", ":"))
        digest = hashlib.sha256(body.encode()).hexdigest()
        victim.add("policy_set", {"digest": digest, "body": body})
        victim.set(rules=json.dumps(_fitting(rng, victim, rules)), policy_set=digest)
        return None
    changed = {"fits": _fitting, "theirs": _theirs}.get(way, lambda _rng, _victim, old: twisted(rng, old))(
        rng, victim, rules
    )
    victim.set(rules=json.dumps(changed))
    if way != "theirs" or request["status"] != "pending":
        return None
    who = rng.choice([EVE, SAM, ANA, BOB])
    return lambda world: _say_yes(world, victim, who)


def _fitting(rng: Random, victim: Victim, rules: Row) -> Row:
    """As many yeses as there are, in the stages where there are any, at once and for ever."""
    stages = [vote["stage"] for vote in victim.standing()]
    fitted = [
        {**one, "quorum": stages.count(number), "reject_quorum": 9}
        for number, one in enumerate(rules["stages"])
        if number in stages
    ]
    more = {"decisions": ["approved", "rejected", "edited", "skipped"]} if rng.random() < 0.3 else {}
    return {**rules, **more, "stages": fitted or rules["stages"], "hold": None, "valid_for": None}


def _theirs(rng: Random, victim: Victim, rules: Row) -> Row:
    """Somebody more, or somebody else, is asked; one yes is enough; people may approve their own, and twice."""
    stages = rules["stages"]
    place = victim.request["stage"]
    asked = ["user:UEVE", *(stages[place]["approvers"][1:] if rng.random() < 0.5 else stages[place]["approvers"])]
    last = {**stages[place], "approvers": [*asked, "user:USAM", "user:UANA", "user:UBOB"], "quorum": 1}
    free = {"allow_self_approval": True, "allow_same_person": True, "hold": None}
    return {**rules, **free, "stages": [*stages[:place], last]}


async def _say_yes(world: World, victim: Victim, who: Any) -> object:
    asked = [one for one in await world.all_pending() if one.id == victim.request_id]
    return await world.decide(who, YES, asked[0]) if asked else None


# The policies that an edit is judged by


def _body(victim: Victim) -> str:
    (kept,) = victim.rows("select body from policy_set where digest = ?", victim.request["policy_set"])
    return str(kept["body"])


def change_kept_policies(rng: Random, victim: Victim) -> Then:
    """The kept set asks nobody but the editor; it keeps its name, or has the digest of what it says now, or the request
    names it so. Then somebody edits the call."""
    body = json.loads(_body(victim))
    way = rng.choice(["allow", "quorum", "one asked", "none", "cut"])
    for policy in body["policies"]:
        if way == "allow":
            policy["action"] = "allow"
        for one in policy["stages"]:
            one |= {"quorum": 1} if way != "one asked" else {"quorum": 1, "approvers": ["user:UANA"]}
        policy["stages"] = policy["stages"][:1] if way == "cut" else policy["stages"]
    if way == "none":
        body["policies"] = []
    text = json.dumps(body, separators=(",", ":"))
    old, new = victim.request["policy_set"], hashlib.sha256(text.encode()).hexdigest()
    where = rng.choice(["under its name", "under its name", "renamed", "named by the request"])
    victim.sql("update policy_set set body = ? where digest = ?", text, old)
    if where != "under its name":
        victim.sql("update or ignore policy_set set digest = ? where digest = ?", new, old)
    if where == "named by the request":
        victim.set(policy_set=new)
    return lambda world: _edit(world, victim)


async def _edit(world: World, victim: Victim) -> object:
    (asked,) = [one for one in await world.all_pending() if one.id == victim.request_id]
    edit = Edit(asked.id, asked.revision, asked.stage, EDITED)
    return await world.db.transact(approvals.edit, world.context, edit, world.member(ANA), SURFACE)


# Hand-overs


def change_absence(rng: Random, victim: Victim) -> Then:
    """A hand-over that has ended, or that was made to somebody else, holds for Eve. Then Eve decides by it."""
    ended, other = (
        victim.rows("select * from absence where person_key = ?", ANA.key)[0],
        victim.rows("select * from absence where person_key = ?", CLEO.key)[0],
    )
    person = ANA
    way = rng.choice(["put back", "put back", "unmarked", "turned", "lengthened", "copied"])
    if way == "put back":
        victim.put_back("absence")
    elif way in {"unmarked", "lengthened"}:
        victim.sql("update absence set ended_at = null where id = ?", ended["id"])
        if way == "lengthened":
            victim.sql("update absence set until = ? where id = ?", TIMES[2], ended["id"])
    elif way == "turned":
        person = CLEO
        victim.sql(
            "update absence set delegate = ?, delegate_key = ? where id = ?", ACTORS[EVE.key], EVE.key, other["id"]
        )
    else:
        copied = {**ended, "id": "H999999", "ended_at": None, "mac": rng.choice([ended["mac"], other["mac"]])}
        victim.add("absence", copied)
        victim.tell("absence.began", _name_of(copied), run_id="", request_id="")
    return lambda world: _decide_for(world, victim, person)


def _name_of(absence: Row) -> str:
    """What the log calls a hand-over: the plain digest of what never changes of it."""
    times = {name: datetime.fromisoformat(absence[name]).replace(tzinfo=UTC) for name in ("began_at", "until")}
    people = {name: json.loads(absence[name]) for name in ("person", "delegate")}
    lasting = Absence(**{**absence, **times, **people}).model_dump(mode="json", exclude={"mac", "ended_at"})
    return digest_payload(lasting)


async def _decide_for(world: World, victim: Victim, person: Any) -> object:
    (asked,) = [one for one in await world.all_pending() if one.id == victim.request_id]
    delegate = world.member(EVE, stands_for=(world.member(person),))
    return await world.decide_as(delegate, DecisionKind.APPROVED, asked)


# Grants


def change_grant(rng: Random, victim: Victim) -> None:
    """The grant covers more: its arguments, scope, number, end, or a copy of it; or its row is put back as it was."""
    grant = dict(zip(_columns(victim, "approval_grant"), victim.kept["approval_grant"], strict=True))
    ((input_,),) = [tuple(row.values()) for row in victim.rows("select input from run where id = ?", victim.run_id)]
    args = json.loads(input_)["args"]
    keys = rng.choice([[], ["to"], ["why"]])
    wide: Row = {"keys": json.dumps(keys), "likeness": likeness(args, keys), "uses": 0, "max_uses": 99}
    wide |= {"scope": "agent", "run_id": "", "starter_key": "", "expires_at": TIMES[2], "revoked_at": None}
    way = rng.choice(["wide", "wide", "one", "put back", "put back", "copied", "sealed by another", "ended"])
    if way == "put back":
        victim.put_back("approval_grant")
    elif way == "copied":
        victim.add("approval_grant", {**grant, **wide, "id": "G999999"})
    elif way == "ended":
        change = rng.choice(["revoked_at", "expires_at"])
        victim.sql(f"update approval_grant set {change} = ? where id = ?", TIMES[0], grant["id"])
    else:
        chosen = wide if way != "one" else {name: wide[name] for name in rng.sample(sorted(wide), 2)}
        if way == "sealed by another":
            chosen["mac"] = rng.choice([flipped(rng, grant["mac"]), victim.other["rules_mac"]])
        names = ", ".join(f"{name} = ?" for name in chosen)
        victim.sql(f"update approval_grant set {names} where id = ?", *chosen.values(), grant["id"])
    if rng.random() < 0.3:
        victim.tell("grant.made", flipped(rng, grant["likeness"]))


def _columns(victim: Victim, table: str) -> list[str]:
    return [row["name"] for row in victim.rows(f"pragma table_info({table})")]
