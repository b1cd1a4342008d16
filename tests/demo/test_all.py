"""What holds for every demo agent, and for the policy that goes with them."""

from __future__ import annotations

import ast
import json
import threading
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

import agent_runtime.demo
from agent_runtime.demo import POLICY_FILE, DemoAgent, agents
from agent_runtime.demo.records import RecordFile
from agent_runtime.judging import Allow, CallFacts, Require, evaluate
from agent_runtime.policy_file import load_policy_file
from storage.types import Actor, ActorKind, RequestKind
from tests.demo.play import Play, lines, play

NAMES = ["approval", "input", "feedback", "multi-step", "ops"]
NONSENSE = [
    "",
    "   ",
    "what?",
    "send",
    "book a flight",
    "write a report",
    "buy",
    "buy 0 pens for 5",
    "buy pens for 0",
    "buy pens for -5",
    "buy pens for 4.50",
    "buy pens for 1e9",
    "email to !!! about x",
    "edit a.txt",
    "edit a.txt: x",
    "write x",
    "read",
    "delete ,",
    "run",
    "create something",
    "\0",
    "mail to " * 20_000 + "about",
]


def untouched(folder: Path) -> bool:
    return not list(folder.iterdir())


def tools_of(agent: DemoAgent) -> dict[str, Any]:
    bound: Any = agent.graph.nodes["tools"].bound
    return bound.tools_by_name


def demo_tools(data_dir: Path) -> dict[str, set[str]]:
    return {name: set(tools_of(agent)) for name, agent in agents(data_dir).items()}


def test_the_five_patterns_are_there_and_nothing_is_written_yet(tmp_path: Path) -> None:
    """Each agent says what it does and how to start it; making them has no effect."""
    made = agents(tmp_path / "data")
    assert list(made) == NAMES
    assert all(agent.description and agent.example for agent in made.values())
    assert untouched(tmp_path)


@pytest.mark.parametrize("name", NAMES)
async def test_the_example_of_each_agent_is_understood(tmp_path: Path, name: str) -> None:
    """What the agent offers to type leads to a call or a question."""
    run = play(tmp_path, name)
    ending = await run.start(agents(tmp_path)[name].example)
    assert ending.questions or await run.calls()


@pytest.mark.parametrize("name", NAMES)
async def test_an_unclear_task_is_answered_with_what_would_be_clear(tmp_path: Path, name: str) -> None:
    """No call, no question, no effect: one short sentence with an example."""
    agent = agents(tmp_path / "data")[name]
    for text in NONSENSE:
        run = Play(agent.graph)
        ending = await run.start(text)
        assert ending.result.endswith(f"Try: {agent.example}"), text
        assert len(ending.result) < 350
        assert not await run.calls()
    assert untouched(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_the_input_is_one_described_text(tmp_path: Path, name: str) -> None:
    """A form can be made from each agent's input schema."""
    schema = agents(tmp_path)[name].graph.get_input_jsonschema()
    assert schema["required"] == ["input"]
    assert schema["properties"]["input"]["type"] == "string"


def test_every_argument_of_every_tool_is_described(tmp_path: Path) -> None:
    """People can edit a call in a form that says what each field is."""
    for agent in agents(tmp_path).values():
        for tool in tools_of(agent).values():
            schema = tool.tool_call_schema.model_json_schema()
            assert schema["description"]
            assert all(field["description"] for field in schema["properties"].values()), tool.name


def test_the_demo_agents_know_nothing_of_the_gate() -> None:
    """They import LangGraph and each other, as any user's agents would."""
    for path in Path(agent_runtime.demo.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            ours = [n for n in names if n.split(".")[0] in {"agent_runtime", "storage", "bot"}]
            assert all(n.startswith("agent_runtime.demo") for n in ours), path.name


def test_the_policy_names_every_tool_and_nothing_else(tmp_path: Path) -> None:
    """Each tool of each agent has a rule of its own, and each rule has a tool."""
    policies = load_policy_file(POLICY_FILE).policies
    tools = [(name, tool) for name, found in demo_tools(tmp_path).items() for tool in found]
    rules = [(rule.agent, glob) for rule in policies.policies for glob in rule.tools]
    for name, tool in tools:
        assert any(agent == name and fnmatchcase(tool, glob) for agent, glob in rules), tool
    for agent, glob in rules:
        assert any(name == agent and fnmatchcase(tool, glob) for name, tool in tools), glob
    assert [rule.name for rule in policies.agents] == NAMES


@pytest.mark.parametrize(
    ("agent", "tool", "who"),
    [
        ("approval", "send_email", "usergroup:managers"),
        ("input", "book_flight", None),
        ("feedback", "publish_report", None),
        ("multi-step", "buy_small", None),
        ("multi-step", "manager_signoff", "usergroup:managers"),
        ("multi-step", "director_signoff", "usergroup:directors"),
        ("multi-step", "finance_purchase", "usergroup:finance"),
        ("ops", "read_file", None),
        ("ops", "write_file", "usergroup:managers"),
        ("ops", "edit_file", "usergroup:managers"),
        ("ops", "delete_file", "usergroup:managers"),
        ("ops", "execute", "usergroup:managers"),
        ("ops", "a tool of tomorrow", "usergroup:managers"),
    ],
)
def test_the_policy_sends_each_call_to_its_people(agent: str, tool: str, who: str | None) -> None:
    """Only what a person has answered for already, small purchases and reading need nobody."""
    starter = Actor(kind=ActorKind.SLACK, id="U1", team="T1")
    judged = evaluate(
        load_policy_file(POLICY_FILE).policies,
        CallFacts(agent=agent, tool=tool, kind=RequestKind.TOOL, args={}, starter=starter),
    )
    if who is None:
        assert isinstance(judged, Allow)
    else:
        assert isinstance(judged, Require)
        assert [[str(a) for a in stage.approvers] for stage in judged.rules.stages] == [[who]]


def test_records_appended_at_once_are_all_whole(tmp_path: Path) -> None:
    """Eight threads lose no line and tear none."""
    file = RecordFile(tmp_path / "deep" / "records.jsonl")
    writers = [
        threading.Thread(target=lambda n=n: [file.append({"n": n, "i": i}) for i in range(10)]) for n in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted((r["n"], r["i"]) for r in lines(file.path)) == [(n, i) for n in range(8) for i in range(10)]


def test_a_torn_record_costs_only_itself(tmp_path: Path) -> None:
    """A line cut by a crash is skipped, and the next one stands on a line of its own."""
    file = RecordFile(tmp_path / "records.jsonl")
    file.append({"n": 1})
    file.path.write_text(file.path.read_text() + '{"n": ')
    file.append({"n": 2, "text": "two\nlines\u2028"})
    assert file.read() == [{"n": 1}, {"n": 2, "text": "two\nlines\u2028"}]
    assert json.loads(file.path.read_bytes().split(b"\n")[-2]) == {"n": 2, "text": "two\nlines\u2028"}
