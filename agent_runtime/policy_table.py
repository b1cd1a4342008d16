"""One `[[policy]]` of the file, and one stage of it, into models. Owns which keys go with which action."""

from __future__ import annotations

from datetime import timedelta

from agent_runtime.condition_check import check_condition
from agent_runtime.errors import TextError, quoted
from agent_runtime.import_path import parse_import_path
from agent_runtime.ladder_table import read_hours, read_rungs
from agent_runtime.note import check_note
from agent_runtime.policy import Action, Policy, Stage
from agent_runtime.redaction import check_pointer
from agent_runtime.rules import GrantRule, GrantScope
from agent_runtime.selectors import STARTER, Selector, parse_channel, parse_selector
from agent_runtime.spellings import SPELLINGS
from agent_runtime.toml_reader import TableReader, one_of
from storage.types import DecisionKind, OnTimeout, RequestKind

DEFAULT_DECISIONS = Policy().decisions

_ACTIONS = {action.value: action for action in Action}
_ON_TIMEOUT: dict[str, OnTimeout | None] = {what.value: what for what in OnTimeout}
_KINDS = {kind.value: kind for kind in (RequestKind.TOOL, RequestKind.QUESTION, RequestKind.REVIEW)}
_DECISIONS = {
    "approve": DecisionKind.APPROVED,
    "reject": DecisionKind.REJECTED,
    "skip": DecisionKind.SKIPPED,
    "edit": DecisionKind.EDITED,
}
_FOR_ALL = {"agent", "tool", "kind", "action", "when"}
_ONLY_FOR = {
    Action.ALLOW: _FOR_ALL | {"idempotent", "set", "show"},
    Action.DENY: _FOR_ALL | {"reason"},
}
_NOT_FOR_QUESTIONS = (
    "tool", "decisions", "valid_for", "allow_self_approval", "idempotent", "set", "hold", "allow_same_person",
    "require_reason", "confirm", "redact", "grants", "callback",
)  # fmt: skip
_SCOPES = {scope.value: scope for scope in GrantScope}


def read(table: TableReader, default_timeout: timedelta) -> Policy:
    """The policy a table holds, with fallbacks in place of what is wrong."""
    timeout = table.duration("timeout")
    kind, action = _kind(table), table.choice("action", _ACTIONS, Action.REQUIRE)
    policy = Policy(
        agent=table.text("agent", default="*"),
        tools=_tools(table),
        kind=kind,
        action=action,
        reason=table.text("reason"),
        stages=_stages(table, timeout or default_timeout),
        note=table.parsed("note", check_note),
        decisions=_decisions(table),
        timeout=timeout,
        on_timeout=on_timeout(table),
        valid_for=table.duration("valid_for"),
        allow_self_approval=table.flag("allow_self_approval"),
        allow_guests=table.flag("allow_guests"),
        idempotent=table.flag("idempotent"),
        when=table.parsed("when", check_condition),
        sets=table.values("set"),
        hold=table.duration("hold"),
        allow_same_person=table.flag("allow_same_person"),
        require_reason=_require_reason(table),
        confirm=table.flag("confirm"),
        redact=table.texts("redact", check_pointer),
        notify=table.texts("notify", _told),
        grant=_grant(table),
        callback=table.parsed("callback", parse_import_path),
        show=table.flag("show"),
        hours=read_hours(table),
    )
    _check_keys(table, kind, action)
    if kind is not RequestKind.TOOL and (len(policy.stages) > 1 or any(stage.quorum > 1 for stage in policy.stages)):
        mend = "Keep one stage without a quorum, naming everybody who may answer"
        table.fault("stage", f"asks for more than one person, but a {kind.value} takes its first answer", mend)
    table.done()
    return policy


def read_stage(table: TableReader, timeout: timedelta, default_name: str = "approval") -> Stage | None:
    """The stage a table holds, which waits so long; None where it names no approvers, which is a fault."""
    name = table.text("name", default=default_name)
    approvers = table.texts("approvers", selector)
    if not table.has("approvers"):
        table.fault("approvers", "is missing", 'Say who may approve, as approvers = ["channel:#approvers"]')
    quorum, reject_quorum = table.count("quorum", 1, 1), table.count("reject_quorum", 1, 1)
    rungs = read_rungs(table, approvers, timeout, selector)
    everybody = {*approvers, *(who for rung in rungs for who in rung.escalate_to)}
    if approvers and all(who.startswith("user:") for who in everybody) and quorum > len(everybody):
        problem = f"is {quorum}, but only {len(everybody)} may approve, so nothing could ever be approved"
        table.fault("quorum", problem, f"Write {len(everybody)} or less, or name more approvers")
    channel = table.parsed("channel", parse_channel)
    allow_public, hours = table.flag("allow_public"), read_hours(table)
    table.done()
    if not approvers:
        return None
    return Stage(
        name=name,
        approvers=approvers,
        quorum=quorum,
        reject_quorum=reject_quorum,
        channel=channel,
        allow_public=allow_public,
        rungs=rungs,
        hours=hours,
    )


def read_spellings(table: TableReader) -> tuple[Policy, ...]:
    """The policies that an `[[agent]]` has in another framework's spelling. Those under `[[policy]]` come first."""
    agent = str(table.raw("name") or "*")
    config = table.values("agent_config")
    for key in config.keys() - {"hitl_enabled"}:
        table.table("agent_config").fault(key, "is not a known key", "Known here: hitl_enabled")
    found: list[Policy] = []
    for key, spelling in SPELLINGS.items():
        for tool, value in table.values(key).items():
            try:
                more = (config,) if key == "tool_configs" else ()
                found += spelling({tool: value}, *more, agent=agent)
            except TextError as error:
                table.table(key).fault(tool, error.problem, error.mend)
    return tuple(found)


def selector(text: str) -> Selector:
    """A selector that a file may hold. Raises `TextError`."""
    parsed = parse_selector(text)
    if parsed == STARTER:
        mend = "Name people; to let a requester decide for themselves, write allow_self_approval = true in the policy"
        raise TextError(f"{quoted(text)} cannot be written in the file", mend)
    return parsed


def on_timeout(table: TableReader) -> OnTimeout | None:
    """What silence means, None where unsaid. Never a yes."""
    mend = 'Write "reject", "skip", "fail" or "keep"'
    if str(table.raw("on_timeout")).startswith(("approve", "allow", "accept")):
        mend = f"Silence never approves. {mend}"
    return table.choice("on_timeout", _ON_TIMEOUT, None, mend)


def _kind(table: TableReader) -> RequestKind:
    if table.raw("kind") == RequestKind.OUTCOME.value:
        mend = 'Remove it; name who answers these under [operators], as members = ["usergroup:oncall"]'
        return table.choice("kind", _KINDS, RequestKind.TOOL, mend)
    return table.choice("kind", _KINDS, RequestKind.TOOL)


def _tools(table: TableReader) -> tuple[str, ...]:
    if isinstance(table.raw("tool"), str):
        return (table.text("tool"),)
    return table.texts("tool", _glob, default=("*",))


def _glob(text: str) -> str:
    if not text.strip():
        raise TextError("is an empty pattern", 'Write a tool, or a pattern such as "read_*"')
    return text.strip()


def _stages(table: TableReader, timeout: timedelta) -> tuple[Stage, ...]:
    tables = table.tables("stage")
    if len(tables) == 1:
        read = [read_stage(tables[0], timeout)]
    else:
        read = [read_stage(stage, timeout, f"approval {number}") for number, stage in enumerate(tables, start=1)]
    return tuple(stage for stage in read if stage)


def _decisions(table: TableReader) -> tuple[DecisionKind, ...]:
    decisions = tuple(_DECISIONS[word] for word in table.texts("decisions", _decision)) or DEFAULT_DECISIONS
    if DecisionKind.APPROVED not in decisions:
        table.fault("decisions", 'lacks "approve"', 'Add it; where nobody may say yes, write action = "deny"')
    elif not {DecisionKind.REJECTED, DecisionKind.SKIPPED} & set(decisions):
        table.fault("decisions", "leaves no way to say no", 'Add "reject" or "skip"')
    return decisions


def _decision(word: str) -> str:
    if word.strip() not in _DECISIONS:
        raise TextError(f"{quoted(word)} is not a decision", one_of(word, _DECISIONS))
    return word.strip()


def _require_reason(table: TableReader) -> tuple[DecisionKind, ...]:
    """The decisions that need words: those of a list, or every one that can be made."""
    if isinstance(table.raw("require_reason"), bool):
        return tuple(_DECISIONS.values()) if table.flag("require_reason") else ()
    return tuple(_DECISIONS[word] for word in table.texts("require_reason", _decision))


def _grant(table: TableReader) -> GrantRule | None:
    if not table.has("grants"):
        table.raw("grants")
        return None
    grants = table.table("grants")
    scopes = tuple(_SCOPES[word] for word in grants.texts("scopes", _scope))
    if not grants.has("scopes"):
        grants.fault("scopes", "is missing", 'Say for whom, as scopes = ["run"]')
    keys = grants.texts("keys", str.strip)
    max_count, max_age = grants.count("max_count", 10, 1), grants.duration("max_age")
    grants.done()
    if not scopes:
        return None
    rule = GrantRule(scopes=scopes, keys=keys, max_count=max_count)
    return rule.model_copy(update={"max_age": max_age}) if max_age else rule


def _scope(word: str) -> str:
    if word.strip() not in _SCOPES:
        raise TextError(f"{quoted(word)} is not a scope", one_of(word, _SCOPES))
    return word.strip()


def _told(text: str) -> Selector:
    """Who can be told without being asked: channels, and people one by one."""
    who = selector(text)
    if who.startswith("email:"):
        raise TextError(f"{quoted(text)} names an address; who is told is named by id", "Write user:U0123")
    if who.startswith("usergroup:"):
        mend = "Name a channel that they read, as channel:#purchasing, or people, as user:U0123"
        raise TextError(f"{quoted(text)} names a user group, which has no place of its own", mend)
    return who


def _check_keys(table: TableReader, kind: RequestKind, action: Action) -> None:
    """Refuses keys that would mean nothing here: whoever wrote them believes that they do something."""
    if kind is not RequestKind.TOOL and action is not Action.REQUIRE:
        table.fault("action", f"cannot be {action.value} for a {kind.value}", "Remove it; people answer, by the stages")
    elif kind is not RequestKind.TOOL:
        for key in filter(table.has, _NOT_FOR_QUESTIONS):
            table.fault(key, f"means nothing for a {kind.value}", "Remove it")
    for key in table.known:
        if table.has(key) and key not in _ONLY_FOR.get(action, table.known):
            table.fault(key, f"means nothing with action = {action.value}", f"Remove it, or the action {action.value}")
    if action is Action.REQUIRE and table.has("show"):
        table.fault("show", 'goes with action = "allow" only', "Remove it; what people are asked is always shown")
    if action is Action.REQUIRE and table.has("reason"):
        table.fault("reason", 'goes with action = "deny" only', "Write it as the note, which approvers see")
