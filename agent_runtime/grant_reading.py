"""Builds the read models of grants from rows: what they let through, whose they are, how much of them is left."""

from __future__ import annotations

from datetime import datetime

from agent_runtime.covering import compared
from agent_runtime.grants import giver
from agent_runtime.hidden import redaction_of
from agent_runtime.rules import Rules
from agent_runtime.views import GrantView
from storage import grants as rows
from storage import requests, runs
from storage.grants import Grant
from storage.models import Request
from storage.tx import Tx
from storage.types import Actor, GrantScope, Json

MOST_LISTED = 1_000


def read_grant(tx: Tx, grant_id: str) -> GrantView | None:
    """One grant as people see it."""
    grant = rows.get(tx, grant_id)
    return None if grant is None else grant_view(tx, grant)


def read_grants(tx: Tx, now: datetime, approver_key: str | None = None, limit: int = 20) -> list[GrantView]:
    """The newest grants that still let calls through: everybody's, or those to which one person's yes counted."""
    standing = rows.listed(tx, now, MOST_LISTED)
    mine = [one for one in standing if approver_key is None or approver_key in one.approvers]
    return [grant_view(tx, one) for one in mine[:limit]]


def grant_view(tx: Tx, grant: Grant) -> GrantView:
    """A grant with the arguments that calls must share, as the request that made it shows them."""
    request = requests.get(tx, grant.request_id)
    run = runs.get(tx, request.run_id) if request else None
    assert request is not None, "a grant keeps its request"
    assert run is not None, "a request keeps its run"
    return GrantView(
        id=grant.id,
        agent=grant.agent,
        tool=grant.tool,
        scope=grant.scope,
        request_id=grant.request_id,
        run_id=request.run_id,
        starter=Actor.model_validate(run.starter) if grant.scope is not GrantScope.AGENT else None,
        granted_by=giver(grant),
        like=_like(grant, request),
        keys=tuple(grant.keys),
        uses=grant.uses,
        max_uses=grant.max_uses,
        created_at=grant.created_at,
        expires_at=grant.expires_at,
        revoked_at=grant.revoked_at,
        revoked_by=Actor.model_validate(grant.revoked_by) if grant.revoked_by else None,
    )


def _like(grant: Grant, request: Request) -> Json:
    return compared(redaction_of(Rules.model_validate(request.rules)).args(request.args) or {}, grant.keys)
