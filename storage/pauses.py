"""Rows of the pause switch: it stops timers and executions, of everything or of one agent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, delete, text, update
from sqlmodel import Field, SQLModel, col, select

from storage.models import Json
from storage.tx import Tx


class Pause(SQLModel, table=True):
    """One row: while `since` is set no timer fires and nothing executes; `total_seconds` is how long that was so
    before. `stopped_by` stopped it, for the reason `why`."""

    __tablename__ = "pause"
    __table_args__ = (CheckConstraint("id = 1", name="one_pause"),)

    id: int = Field(default=1, primary_key=True)
    since: datetime | None = None
    total_seconds: float = 0.0
    stopped_by: dict[str, Any] | None = Field(default=None, sa_type=Json)
    why: str = Field(default="", sa_column_kwargs={"server_default": text("''")})


class AgentPause(SQLModel, table=True):
    """One agent whose timers and executions are stopped; the row goes when they go on. `stands_at` is the unpaused time
    at which its timers stand still: while everything is stopped, too, both stand still together."""

    __tablename__ = "agent_pause"

    agent: str = Field(primary_key=True)
    since: datetime
    stands_at: datetime
    stopped_by: dict[str, Any] = Field(sa_type=Json)
    why: str = ""


def everything(tx: Tx) -> Pause | None:
    """The pause of everything, while it lasts."""
    row = _pause(tx)
    return row if row is not None and row.since is not None else None


def of_agent(tx: Tx, agent: str) -> AgentPause | None:
    """The pause of one agent alone, while it lasts."""
    return tx.one(AgentPause, select(AgentPause).where(col(AgentPause.agent) == agent))


def of_agents(tx: Tx) -> list[AgentPause]:
    """The agents that are paused alone, by name."""
    return tx.all(AgentPause, select(AgentPause).order_by(col(AgentPause.agent)))


def paused(tx: Tx, agent: str = "") -> bool:
    """Whether executions and timers are stopped: of everything, or of this agent."""
    return everything(tx) is not None or (agent != "" and of_agent(tx, agent) is not None)


def stop(tx: Tx, now: datetime, by: dict[str, Any] | None = None, why: str = "") -> bool:
    """Stop executions and timers. False where they are stopped already."""
    if tx.insert_new(Pause(id=1, since=now, stopped_by=by, why=why)):
        return True
    stopped = update(Pause).where(col(Pause.since).is_(None)).values(since=now, stopped_by=by, why=why)
    return tx.change(stopped) == 1


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop that is over: timers stood still from `begin` to `end`, on the wall's clock. `before` and `after` are what
    is to be added to unpaused time to get that of the wall, before the stop and after it."""

    begin: datetime
    end: datetime
    before: timedelta
    after: timedelta


def go(tx: Tx, now: datetime) -> Stop | None:
    """Let executions and timers go on; unpaused time goes on from where it stood, unless the clock went back meanwhile.
    None where nothing was stopped."""
    row = everything(tx)
    if row is None or row.since is None:
        return None
    end, before = max(now, row.since), timedelta(seconds=row.total_seconds)
    after = before + (end - row.since)
    tx.change(update(Pause).values(since=None, total_seconds=after.total_seconds(), stopped_by=None, why=""))
    tx.wake("runs")
    return Stop(row.since, end, before, after)


def stop_agent(tx: Tx, agent: str, now: datetime, by: dict[str, Any], why: str = "") -> bool:
    """Stop the executions and timers of one agent. False where they are stopped already."""
    return tx.insert_new(AgentPause(agent=agent, since=now, stands_at=elapsed(tx, now), stopped_by=by, why=why))


def go_agent(tx: Tx, agent: str, now: datetime) -> Stop | None:
    """Let one agent go on; its timers are to be moved by the unpaused time that it was stopped. None where it was
    not."""
    row = of_agent(tx, agent)
    if row is None:
        return None
    tx.change(delete(AgentPause).where(col(AgentPause.agent) == agent))
    tx.wake("runs")
    shift = stopped_for(tx)
    return Stop(row.stands_at + shift, max(elapsed(tx, now), row.stands_at) + shift, shift, shift)


def unpaused(tx: Tx, now: datetime, agent: str = "") -> datetime | None:
    """`now` in unpaused time, which due dates are compared with; None while everything, or this agent, is paused."""
    row = _pause(tx)
    stopped = (row is not None and row.since is not None) or (agent != "" and of_agent(tx, agent) is not None)
    return None if stopped else _elapsed(row, now)


def elapsed(tx: Tx, now: datetime, agent: str = "") -> datetime:
    """`now` in unpaused time, from which due dates (of this agent's requests) are reckoned; it stands still while
    paused."""
    alone = of_agent(tx, agent) if agent else None
    return _elapsed(_pause(tx), now) if alone is None else alone.stands_at


def stopped_for(tx: Tx) -> timedelta:
    """How long everything was stopped in all, the present stop not counted: due date + this = time on the wall."""
    row = _pause(tx)
    return timedelta(0) if row is None else timedelta(seconds=row.total_seconds)


def _elapsed(row: Pause | None, now: datetime) -> datetime:
    return now if row is None else (row.since or now) - timedelta(seconds=row.total_seconds)


def _pause(tx: Tx) -> Pause | None:
    return tx.one(Pause, select(Pause).where(col(Pause.id) == 1))
