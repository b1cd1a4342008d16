"""What a unit of work is given besides its rows: the time, fresh ids and salt, the seal, the policies in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from agent_runtime.callback import Said
from agent_runtime.chain import Chain
from agent_runtime.clock import Ids
from agent_runtime.digest import Seal
from agent_runtime.policy import PolicySet
from agent_runtime.webhook import Webhook
from storage.types import Described


class Asking(Described):
    """Whether people are asked about the calls that policies have them approve. What a policy denies never runs."""

    PEOPLE = "people", "People are asked."
    AUTO_APPROVE = "auto_approve", "Auto-approval is on, for tests: calls run without asking anybody."
    LOG_ONLY = "log_only", "Log-only is on: who would have been asked is written down, and the calls run."


@dataclass(frozen=True, slots=True)
class Context:
    """One moment, as values. A unit of work may be run again whole, so it takes everything from here and its rows."""

    now: datetime
    ids: Ids
    salt: Callable[[], bytes]
    seal: Seal
    policies: PolicySet
    asking: Asking = Asking.PEOPLE
    webhooks: tuple[Webhook, ...] = ()
    """Who is told of what is written into the log."""
    confirmed: Mapping[str, datetime] | None = None
    """When the givers of each grant were last found to be those who may decide; None where nobody looks, because there
    is no directory."""
    chain: Chain = field(default_factory=Chain)
    """What this process knows of the audit chain."""
    said: Said | None = None
    """What a callback said of the call that this unit of work is about."""
