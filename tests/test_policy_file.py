"""The policy file loads into the models as written, or is refused with every fault, each with its line and its mend."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.alert_rules import AgentAlerts, AlertRules
from agent_runtime.causes import Severity
from agent_runtime.errors import ConfigError, ConfigFault
from agent_runtime.policy import Action, AgentRule, Caps, Default, Policy, PolicySet, Stage
from agent_runtime.policy_file import Configuration, load_policy_file, read_policy_text
from agent_runtime.toml_reader import TableReader
from storage.types import DecisionKind, OnTimeout, RequestKind

STAGE = '[default.stage]\napprovers = ["channel:#approvers"]\n'

WHOLE = """\
agents = ["agent_runtime.demo:agents", "shop.agents:purchasing"]
[slack]
approvals_channel = "#approvals"
[alerts]
channel = "C0ALERTS"
waiting = "1h"
running = "10m"
fallback = ["#other", "user:U9"]
digest = "off"
zone = "Europe/Berlin"
heartbeat_url_env = "HEARTBEAT_URL"
[[alerts.agent]]
name = "ops-*"
severity = "critical"
running = "3h"
failing = 2
[operators]
members = ["user:U0123", "usergroup:oncall"]
[caps]
max_requests = 5
max_reasks = 0
[[agent]]
name = "purchasing"
starters = ["usergroup:staff", "members"]
[default]
timeout = "30m"
on_timeout = "fail"
[default.stage]
approvers = ["channel:#approvers"]
allow_public = true

[[policy]]
tool = ["read_*", "list_*"]
action = "allow"
idempotent = true

[[policy]]
tool = "shell"
action = "deny"
reason = "No shell."

[[policy]]
agent = "purchasing"
tool = "buy"
note = "Spends company money: {args.amount}"
decisions = ["approve", "reject", "skip", "edit"]
timeout = "4h"
on_timeout = "keep"
valid_for = "2d"
allow_self_approval = true
allow_guests = true
idempotent = true
hold = "30s"
allow_same_person = true
require_reason = ["reject", "edit"]
set = { currency = "EUR" }
[[policy.stage]]
name = "manager"
approvers = ["usergroup:managers", "user:U0123", "usergroup:managers"]
channel = "#purchasing"
[[policy.stage]]
approvers = ["usergroup:finance"]
quorum = 2
reject_quorum = 2

[[policy]]
kind = "review"
[[policy.stage]]
approvers = ["user:U2"]
"""


def faults(text: str) -> tuple[ConfigFault, ...]:
    """What is wrong with a text; fails when nothing is."""
    with pytest.raises(ConfigError) as caught:
        read_policy_text(text, "signoff.toml")
    return caught.value.faults


def test_a_file_with_everything_loads_as_written(tmp_path: Path) -> None:
    """Every key of the grammar ends up in its field, and the digest is that of the file."""
    path = tmp_path / "signoff.toml"
    path.write_text(WHOLE)
    buy = Policy(
        agent="purchasing",
        tools=("buy",),
        note="Spends company money: {args.amount}",
        decisions=(DecisionKind.APPROVED, DecisionKind.REJECTED, DecisionKind.SKIPPED, DecisionKind.EDITED),
        timeout=timedelta(hours=4),
        on_timeout=OnTimeout.KEEP,
        valid_for=timedelta(days=2),
        allow_self_approval=True,
        allow_guests=True,
        idempotent=True,
        hold=timedelta(seconds=30),
        allow_same_person=True,
        require_reason=(DecisionKind.REJECTED, DecisionKind.EDITED),
        sets={"currency": "EUR"},
        stages=(
            Stage(name="manager", approvers=("usergroup:managers", "user:U0123"), channel="#purchasing"),
            Stage(name="approval 2", approvers=("usergroup:finance",), quorum=2, reject_quorum=2),
        ),
    )
    assert load_policy_file(path) == Configuration(
        agents=("agent_runtime.demo:agents", "shop.agents:purchasing"),
        approvals_channel="#approvals",
        alerts=AlertRules(
            channel="C0ALERTS",
            waiting=timedelta(hours=1),
            running=timedelta(minutes=10),
            fallback=("#other", "user:U9"),
            digest="",
            zone="Europe/Berlin",
            heartbeat_url_env="HEARTBEAT_URL",
            agents=(AgentAlerts(name="ops-*", severity=Severity.CRITICAL, running=timedelta(hours=3), failing=2),),
        ),
        policies=PolicySet(
            default=Default(
                stage=Stage(name="approval", approvers=("channel:#approvers",), allow_public=True),
                timeout=timedelta(minutes=30),
                on_timeout=OnTimeout.FAIL,
            ),
            policies=(
                Policy(tools=("read_*", "list_*"), action=Action.ALLOW, idempotent=True),
                Policy(tools=("shell",), action=Action.DENY, reason="No shell."),
                buy,
                Policy(kind=RequestKind.REVIEW, stages=(Stage(name="approval", approvers=("user:U2",)),)),
            ),
            agents=(AgentRule(name="purchasing", starters=("usergroup:staff", "members")),),
            operators=("user:U0123", "usergroup:oncall"),
            caps=Caps(max_requests=5, max_reasks=0),
            digest=hashlib.sha256(WHOLE.encode()).hexdigest(),
        ),
    )


def test_the_smallest_file_is_the_default_stage() -> None:
    """All but the default stage has a default: four hours, reject, and the run's own thread. No agent is chosen for
    whoever names none."""
    configuration = read_policy_text(STAGE, "signoff.toml")
    assert configuration.agents == ()
    assert (configuration.approvals_channel, configuration.alerts.channel) == ("", "")
    stage = Stage(name="approval", approvers=("channel:#approvers",))
    assert configuration.policies == PolicySet(default=Default(stage=stage))


def test_alerts_go_to_the_approvals_channel_where_they_have_none_of_their_own() -> None:
    """An alert is never lost for want of a channel that the file could have named."""
    configuration = read_policy_text(f'slack.approvals_channel = "#approvals"\n{STAGE}', "signoff.toml")
    assert configuration.alerts.channel == "#approvals"


BROKEN = {
    "a time that is none": ('[default]\ntimeout = "4 hours"\n' + STAGE, "default.timeout", 2, '"4h"'),
    "silence that approves": (
        STAGE + '[[policy]]\ntool = "buy"\non_timeout = "approve"\n',
        "policy 1.on_timeout",
        5,
        "Silence never approves",
    ),
    "a misspelt key": (STAGE + '[[policy]]\ntols = "buy"\n', "policy 1.tols", 4, "Did you mean tool?"),
    "a selector that names nobody": (
        '[default.stage]\napprovers = [\n  "channel:#approvers",\n  "user:ana",\n]\n',
        "default.stage.approvers 2",
        4,
        "user:U0123",
    ),
    "nobody to approve": ("[default.stage]\nquorum = 1\n", "default.stage.approvers", 1, "approvers = ["),
    "an empty list of approvers": (
        STAGE + "[[policy]]\n[[policy.stage]]\napprovers = []\n",
        "policy 1.stage 1.approvers",
        5,
        "Name at least one",
    ),
    "a quorum of none": (STAGE + "quorum = 0\n", "default.stage.quorum", 3, "1 or more"),
    "a quorum nobody can reach": (
        '[default.stage]\napprovers = ["user:U1", "user:U2", "user:U1"]\nquorum = 3\n',
        "default.stage.quorum",
        3,
        "2 or less",
    ),
    "no default stage": ('agents = "a:b"\n[default]\ntimeout = "1h"\n', "default.stage", 2, "Add [default.stage]"),
    "text that is not TOML": ("[default]\ntimeout = 4h\n" + STAGE, "timeout", 2, "quotes"),
    "the same key twice": ("[slack]\n[alerts]\n[slack]\n" + STAGE, "slack", 3, "key = value"),
    "half a condition": (STAGE + '[[policy]]\nwhen = "args.amount >"\n', "policy 1.when", 4, "args.amount >= 1000"),
    "a condition with one =": (STAGE + '[[policy]]\nwhen = "args.a = 1"\n', "policy 1.when", 4, "=="),
    "a name that there is not": (STAGE + '[[policy]]\nwhen = "amount > 1"\n', "policy 1.when", 4, "args.amount"),
    "a function that there is not": (STAGE + '[[policy]]\nwhen = "foo(args.a)"\n', "policy 1.when", 4, "within"),
    "a place that is none": (STAGE + '[redact]\nkeys = [" "]\n', "redact.keys 1", 4, "*password*"),
    "a silence that is none": (STAGE + '[alerts]\nheartbeat = "20s"\n', "alerts.heartbeat", 4, '"1m" or more'),
    "a hold of no time": (STAGE + '[[policy]]\nhold = "soon"\n', "policy 1.hold", 4, '"4h"'),
    "a redaction of nothing": (STAGE + '[[policy]]\nredact = ["card"]\n', "policy 1.redact 1", 4, '"/card"'),
    "a confirmation of nothing": (
        STAGE + '[[policy]]\naction = "deny"\nconfirm = true\n',
        "policy 1.confirm",
        5,
        "Remove it",
    ),
    "a decision that there is not": (
        STAGE + '[[policy]]\ndecisions = ["approve", "delegate"]\n',
        "policy 1.decisions 2",
        4,
        'Write "approve", "reject", "skip", "edit"',
    ),
    "editing as the only way to say no": (
        STAGE + '[[policy]]\ndecisions = ["approve", "edit"]\n',
        "policy 1.decisions",
        4,
        'Add "reject"',
    ),
    "no way to say yes": (STAGE + '[[policy]]\ndecisions = ["reject"]\n', "policy 1.decisions", 4, 'action = "deny"'),
    "no way to say no": (STAGE + '[[policy]]\ndecisions = ["approve"]\n', "policy 1.decisions", 4, 'Add "reject"'),
    "a note with a bad placeholder": (STAGE + '[[policy]]\nnote = "{amount}"\n', "policy 1.note", 4, "{args.NAME}"),
    "a table in single brackets": (STAGE + '[policy]\ntool = "a"\n', "policy", 3, "[[policy]]"),
    "a list where a table belongs": ("[[default]]\n" + STAGE, "default", 1, "[default]"),
    "a text where a list belongs": ('operators.members = "user:U1"\n' + STAGE, "operators.members", 1, '["..."'),
    "a number where a text belongs": (STAGE + "[[policy]]\ntimeout = 300\n", "policy 1.timeout", 4, '"30s"'),
    "a text where yes or no belongs": (
        STAGE + '[[policy]]\nidempotent = "no"\n',
        "policy 1.idempotent",
        4,
        "without quotes",
    ),
    "true where a number belongs": (STAGE + "quorum = true\n", "default.stage.quorum", 3, "a whole number"),
    "a time without end": (STAGE + '[[policy]]\nvalid_for = "999999999d"\n', "policy 1.valid_for", 4, "365d"),
    "no time at all": (STAGE + '[[policy]]\ntimeout = "0s"\n', "policy 1.timeout", 4, "1s"),
    "asking people about an allowed call": (
        STAGE + '[[policy]]\naction = "allow"\nnote = "Careful"\n',
        "policy 1.note",
        5,
        "Remove it",
    ),
    "a reason for a yes": (STAGE + '[[policy]]\nreason = "Because"\n', "policy 1.reason", 4, "note"),
    "allowing a question": (
        STAGE + '[[policy]]\nkind = "question"\naction = "allow"\n',
        "policy 1.action",
        5,
        "Remove it",
    ),
    "a tool of a question": (STAGE + '[[policy]]\nkind = "question"\ntool = "a"\n', "policy 1.tool", 5, "Remove it"),
    "a policy for outcomes": (STAGE + '[[policy]]\nkind = "outcome"\n', "policy 1.kind", 4, "[operators]"),
    "an agent rule for nobody": (STAGE + '[[agent]]\nstarters = ["members"]\n', "agent 1.name", 3, "name ="),
    "members as approvers": (
        '[default.stage]\napprovers = ["members"]\n',
        "default.stage.approvers 1",
        2,
        "user:U0123",
    ),
    "the starter as approver": (
        '[default.stage]\napprovers = ["starter:"]\n',
        "default.stage.approvers 1",
        2,
        "allow_self_approval = true",
    ),
    "an e-mail address": (
        '[default.stage]\napprovers = ["email:ana@example.com"]\n',
        "default.stage.approvers 1",
        2,
        "user:U0123",
    ),
    "a channel without its sign": (
        '[slack]\napprovals_channel = "approvals"\n' + STAGE,
        "slack.approvals_channel",
        2,
        '"#approvals"',
    ),
    "two channels where one belongs": (
        '[slack]\napprovals_channel = "#a #b"\n' + STAGE,
        "slack.approvals_channel",
        2,
        '"#approvals"',
    ),
    "a blank text": (STAGE + '[[policy]]\ntool = ""\n', "policy 1.tool", 4, "remove the key"),
    "a number among texts": (
        '[default.stage]\napprovers = ["user:U1", 2]\n',
        "default.stage.approvers 2",
        2,
        "a text in quotes",
    ),
    "a text among tables": ('policy = ["x"]\n' + STAGE, "policy 1", 1, "[[policy]]"),
    "a word that is no decision": (
        STAGE + '[[policy]]\ndecisions = ["aprove", "reject"]\n',
        "policy 1.decisions 1",
        4,
        'Did you mean "approve"?',
    ),
    "a remote agent": ('agents = "https://example.com"\n' + STAGE, "agents", 1, "package.module:name"),
    "a file for a module": ('agents = "my/shop.py:agents"\n' + STAGE, "agents", 1, "Leave out .py: my.shop:agents"),
    "an agent without its object": ('agents = ["a.b"]\n' + STAGE, "agents 1", 1, "package.module:name"),
    "a blank glob": (STAGE + '[[policy]]\ntool = ["a", " "]\n', "policy 1.tool 2", 4, "read_*"),
    "a text without an end": (STAGE + 'x = "\n\n', "x", 3, "quotes"),
    "a list without an end": (STAGE + "x = [\n\n", "x", 3, "key = value"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_told_with_file_line_key_and_mend(name: str) -> None:
    """Each fault says where it is, what it is about, and what to write instead; and nothing else is blamed."""
    text, key, line, mend = BROKEN[name]
    (fault,) = faults(text)
    assert (fault.file, fault.key, fault.line) == ("signoff.toml", key, line)
    assert mend in fault.mend
    assert str(fault).startswith(f"signoff.toml:{line}: {key}: ")


def test_all_faults_of_a_file_are_told_at_once() -> None:
    """Five faults in five tables come in one error, in the order of their lines."""
    text = (
        'agents = "nowhere"\n'
        "[[policy]]\n"
        'action = "alow"\n'
        "[default]\n"
        'timeout = "soon"\n'
        "[default.stage]\n"
        'approvers = ["channel:approvers"]\n'
        "[[policy]]\n"
        "[[policy.stage]]\n"
        'approvers = ["user:U1"]\n'
        "qorum = 1\n"
    )
    assert [(fault.line, fault.key) for fault in faults(text)] == [
        (1, "agents"),
        (3, "policy 1.action"),
        (5, "default.timeout"),
        (7, "default.stage.approvers 1"),
        (11, "policy 2.stage 1.qorum"),
    ]


def test_a_file_that_names_no_agents_is_refused_unless_the_environment_does(tmp_path: Path) -> None:
    """Nobody gets agents they did not ask for, and the other faults of the file are told beside it."""
    path = tmp_path / "signoff.toml"
    path.write_text(STAGE + "quorum = 0\n")
    with pytest.raises(ConfigError) as caught:
        load_policy_file(path)
    assert [fault.key for fault in caught.value.faults] == ["agents", "default.stage.quorum"]
    assert 'agents = "my_agents:agents"' in caught.value.faults[0].mend
    path.write_text(STAGE)
    assert load_policy_file(path, needs_agents=False).agents == ()


def test_a_missing_file_is_told_with_the_command_that_makes_one(tmp_path: Path) -> None:
    """The first thing a newcomer meets is the way on."""
    with pytest.raises(ConfigError) as caught:
        load_policy_file(tmp_path / "signoff.toml")
    (fault,) = caught.value.faults
    assert fault.file == str(tmp_path / "signoff.toml")
    assert "signoff init" in fault.mend


def test_a_file_that_cannot_be_read_is_a_fault_and_not_a_crash(tmp_path: Path) -> None:
    """A directory, bytes that are no text, brackets or digits without end are refused in words."""
    (tmp_path / "latin").write_bytes(b'# fine\nnote = "\xe9"\n')
    (tmp_path / "deep").write_text("x = " + "[" * 100_000)
    (tmp_path / "long").write_text("x = " + "9" * 5000)
    for name, line in ((".", None), ("latin", 2), ("deep", None), ("long", None)):
        with pytest.raises(ConfigError) as caught:
            load_policy_file(tmp_path / name)
        assert [fault.line for fault in caught.value.faults] == [line]


def test_a_file_saved_by_a_windows_editor_loads(tmp_path: Path) -> None:
    """A byte order mark and carriage returns change nothing, not even the lines of faults."""
    path = tmp_path / "signoff.toml"
    path.write_bytes(b"\xef\xbb\xbf" + STAGE.replace("\n", "\r\n").encode())
    assert load_policy_file(path, needs_agents=False).policies.default.stage.approvers == ("channel:#approvers",)
    assert faults((STAGE + "quorum = 0\n").replace("\n", "\r\n"))[0].line == 3


def known_in(text: str) -> dict[str, set[str]]:
    """The keys that the reader knows, by the headers of the tables that stand in a text; by none for its top."""
    known: dict[str, set[str]] = {}
    done = TableReader.done

    def read(table: TableReader) -> None:
        name = ".".join(part for part in table.path if isinstance(part, str))
        header = next((line for line in (f"[{name}]", f"[[{name}]]") if line in text.splitlines()), "")
        if header or not name:
            known.setdefault(header, set()).update(table.known)
        done(table)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TableReader, "done", read)
        read_policy_text(text, "signoff.toml")
    return known


TABLES = known_in(WHOLE)


@given(st.sampled_from(sorted(TABLES)), st.text(st.characters(codec="utf-8"), max_size=12), st.data())
def test_no_file_with_an_unknown_key_loads(table: str, key: str, data: st.DataObject) -> None:
    """Whatever the key and wherever it stands, it is named with its line instead of being ignored."""
    if key in TABLES[table]:
        key += "_"
    value = data.draw(st.sampled_from(["true", '"text"', "[]", "{ a = 1 }", "1.5"]))
    lines = WHOLE.splitlines()
    place = 0 if not table else data.draw(st.sampled_from([n for n, line in enumerate(lines, 1) if line == table]))
    escaped = "".join(f"\\U{ord(character):08X}" for character in key)
    lines.insert(place, f'"{escaped}" = {value}')
    assert [fault.line for fault in faults("\n".join(lines))] == [place + 1]


def test_people_are_named_by_address_where_the_file_switches_that_on() -> None:
    """`emails = true` lets `email:` stand wherever people are named, and is kept for the directory."""
    text = (
        '[slack]\nemails = true\n[operators]\nmembers = ["email:ops@example.com"]\n'
        '[default.stage]\napprovers = ["email:ana@example.com"]\n'
    )
    configuration = read_policy_text(text, "signoff.toml")
    assert configuration.emails
    assert configuration.policies.default.stage.approvers == ("email:ana@example.com",)
    with pytest.raises(ConfigError, match="not switched on"):
        read_policy_text(text.replace("emails = true", "emails = false"), "signoff.toml")
