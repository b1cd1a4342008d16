"""What the policy file says of one receiver of events: a webhook, and which events are for it. Pure."""

from __future__ import annotations

from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict, Field

NOT_UNASKED = frozenset({"noise"})
"""Events that go only to whoever names them."""


class Webhook(BaseModel):
    """One `[[webhook]]`. Where it goes is in `url`, or in the environment variable that `url_env` names; `secret_env`
    names the one with the secret that its events are signed with. `events` are patterns over the audit's events; empty
    means all but `noise`. `allow_private`: it may be on this machine or in a private network, and unencrypted."""

    model_config = ConfigDict(frozen=True)

    name: str
    secret_env: str
    url: str = Field(default="", repr=False)
    url_env: str = ""
    events: tuple[str, ...] = ()
    allow_private: bool = False

    def wants(self, event: str) -> bool:
        """Whether an event is for this receiver."""
        if not self.events:
            return event not in NOT_UNASKED
        return any(fnmatchcase(event, pattern) for pattern in self.events)
