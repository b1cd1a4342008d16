"""What `signoff init` writes: a policy file to start from, with every line explained. Safe as it stands."""

from __future__ import annotations

from pathlib import Path

from agent_runtime.errors import WHOLE_FILE, ConfigError, ConfigFault

STARTER_FILE = """\
# Who must sign off what. Read it from top to bottom: the first [[policy]] that matches a call decides, and a call
# that none matches needs the approvers of [default.stage]. After a change run: signoff check

# Where the agents are: one import path, or a list of them.
agents = "agent_runtime.demo:agents"

[slack]
# Where approval cards go. Without this line a card goes to the thread of the run that asks.
approvals_channel = "#approvals"

[alerts]
# Where Signoff says that something is stuck.
channel = "#alerts"
# How long a run may wait for people before it says so.
waiting = "2h"
# When it tells what waits, on whose clock: minute, hour, day, month, days of the week; or "off".
digest = "0 9 * * mon-fri"
zone = "UTC"

# Who handles alerts and says what happened to a call whose outcome nobody knows. Without operators it is whoever
# could approve the call.
# [operators]
# members = ["user:U0123", "usergroup:oncall"]

# Who may start an agent. Without a rule every full member of the workspace may; guests only where named.
# [[agent]]
# name = "purchasing"
# starters = ["usergroup:staff"]

# Other programs that are told what happens, each signed event by event. The secret stands in the environment.
# [[webhook]]
# name = "crm"
# url = "https://crm.example.com/signoff"
# secret_env = "CRM_SECRET"
# events = ["request.*", "run.failed", "alert.*"]

[default]
# What holds where a policy is silent. Times are "30s", "5m", "4h" or "2d".
timeout = "4h"
# What silence means: reject, skip, fail or keep (wait on, and alert). Silence never approves.
on_timeout = "reject"

[default.stage]
# People (user:U0123), user groups (usergroup:managers) or the members of a channel (channel:#approvers). A channel
# must be private, because anybody may join a public one; allow_public = true accepts that.
approvers = ["channel:#approvers"]

# Reading changes nothing. idempotent = true: may run again by itself if a crash hid how it ended.
[[policy]]
tool = ["read_*", "list_*", "get_*", "search_*"]
action = "allow"
idempotent = true

# The note is shown to the approvers; {args.NAME} is filled with the call's own value.
[[policy]]
tool = "delete_file"
note = "Deletes {args.path}. There may be no way back."

[[policy]]
tool = "drop_table"
note = "Drops the table {args.table} with everything in it."

[[policy]]
tool = "send_email"
note = "Sends mail in our name to {args.to}."
# An approver may also leave the step out and let the agent go on without it.
decisions = ["approve", "reject", "skip"]

[[policy]]
tool = "make_payment"
note = "Pays {args.amount} to {args.recipient}."
timeout = "1h"
# An approval that was not used for this long is asked for again.
valid_for = "1h"
# Two stages, one after the other; quorum says how many must agree in each.
# [[policy.stage]]
# name = "manager"
# approvers = ["usergroup:managers"]
# [[policy.stage]]
# name = "finance"
# approvers = ["usergroup:finance"]
# quorum = 2

[[policy]]
tool = "update_production"
note = "Changes the production system."
timeout = "30m"
valid_for = "30m"

# To forbid something, whoever asks:
# [[policy]]
# tool = "shell_*"
# action = "deny"
# reason = "Agents do not get a shell here."

# To let requesters decide about their own calls, for example while trying things out alone, add to a policy:
# allow_self_approval = true
"""


def write_starter_file(path: Path) -> None:
    """Writes the file to start from. Raises `ConfigError` rather than touch one that exists, or where it cannot."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(STARTER_FILE)
    except FileExistsError:
        raise _refused(path, "exists already", "Edit it, or name another file with SIGNOFF_CONFIG") from None
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise _refused(path, problem, "Name a place this user may write, with SIGNOFF_CONFIG") from error


def _refused(path: Path, problem: str, mend: str) -> ConfigError:
    return ConfigError((ConfigFault(str(path), WHOLE_FILE, problem, mend),))
