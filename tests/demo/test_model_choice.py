"""Choosing a model: what is missing is named with its mend before anything starts, nothing of it is imported unless it
was chosen, and only agents that take a model are given one."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from agent_runtime.adapters import chat_model
from agent_runtime.adapters.chat_model import build_chat_model
from agent_runtime.errors import ConfigError
from agent_runtime.model_choice import PROVIDERS, ModelChoice, ModelName
from agent_runtime.registry import load_agents
from bot.settings import Settings, load_settings, require_model
from tests.demo.model_server import says, serve_model

KEYS = {"OPENAI_API_KEY": "sk-1", "ANTHROPIC_API_KEY": "sk-ant-1"}
HERE = {"OPENAI_BASE_URL": "http://localhost:8000/v1"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which none of our names is set."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)
    return monkeypatch


def settings_with(environment: pytest.MonkeyPatch, model: str, **given: str) -> Settings:
    for name, value in {"SIGNOFF_MODEL": model, **given}.items():
        environment.setenv(name, value)
    return load_settings()


MISSING = [
    ("openai:gpt-4o-mini", {}, "OPENAI_API_KEY", "is not set, and openai:gpt-4o-mini needs it"),
    ("anthropic:claude", {"OPENAI_API_KEY": "sk-1"}, "ANTHROPIC_API_KEY", "is not set, and anthropic:claude needs it"),
    ("sagemaker:", {}, "SAGEMAKER_ENDPOINT_NAME", "is not set"),
    ("openai:x", {"OPENAI_BASE_URL": "https://llm.example.com/v1"}, "OPENAI_API_KEY", "is not set"),
    ("openai:x", {**KEYS, "OPENAI_BASE_URL": "http://llm.example.com/v1"}, "OPENAI_BASE_URL", "the key and all texts"),
    ("openai:x", {**KEYS, "OPENAI_BASE_URL": "llm.example.com"}, "OPENAI_BASE_URL", "is not a web address"),
]


@pytest.mark.parametrize(("model", "given", "key", "problem"), MISSING)
def test_what_a_provider_lacks_is_named(
    environment: pytest.MonkeyPatch, model: str, given: dict[str, str], key: str, problem: str
) -> None:
    """The variable is named; until it is mended there is no model."""
    settings = settings_with(environment, model, **given)
    (fault,) = require_model(settings)
    assert fault.key == key
    assert problem in fault.problem
    assert fault.mend
    assert settings.model_choice is None


FOUND = [
    ("openai:gpt-4o-mini", KEYS, ModelChoice(ModelName("openai", "gpt-4o-mini"), "sk-1")),
    ("openai:llama3:8b", HERE, ModelChoice(ModelName("openai", "llama3:8b"), "none", "http://localhost:8000/v1")),
    ("anthropic:claude", KEYS, ModelChoice(ModelName("anthropic", "claude"), "sk-ant-1")),
    ("sagemaker:", {"SAGEMAKER_ENDPOINT_NAME": "e-1"}, ModelChoice(ModelName("sagemaker", "e-1"))),
    ("sagemaker:e-2", {"SAGEMAKER_ENDPOINT_NAME": "e-1"}, ModelChoice(ModelName("sagemaker", "e-2"), "none")),
    ("bedrock:amazon.nova-lite-v1:0", {}, ModelChoice(ModelName("bedrock", "amazon.nova-lite-v1:0"), "none")),
]


@pytest.mark.parametrize(("model", "given", "expected"), FOUND)
def test_a_model_is_chosen_with_what_reaching_it_takes(
    environment: pytest.MonkeyPatch, model: str, given: dict[str, str], expected: ModelChoice
) -> None:
    """A server on this machine needs no key, and no key is ever shown."""
    settings = settings_with(environment, model, **given)
    assert require_model(settings) == ()
    assert settings.model_choice == expected
    assert "sk-" not in f"{expected!r}{expected}{settings!r}"


def test_a_providers_settings_are_nothing_without_a_model(environment: pytest.MonkeyPatch) -> None:
    """Whoever has OPENAI_BASE_URL set for something else is not bothered."""
    environment.setenv("OPENAI_BASE_URL", "not an address")
    settings = load_settings()
    assert require_model(settings) == ()
    assert settings.model_choice is None


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    """The extra, and a command for this very installation."""
    monkeypatch.setattr(chat_model, "find_spec", lambda name: None if name != "langchain" else find_spec(name))
    with pytest.raises(ConfigError) as caught:
        build_chat_model(ModelChoice(ModelName(provider, "m"), "k"))
    (fault,) = caught.value.faults
    extra = PROVIDERS[provider].extra
    assert fault.key == "SIGNOFF_MODEL"
    assert f"needs the extra {extra}: langchain-" in fault.problem
    assert fault.mend.startswith(f"Install it: {sys.executable} -m pip install ")
    assert f"[{extra}]'" in fault.mend


@pytest.mark.parametrize("extra", sorted({provider.extra for provider in PROVIDERS.values()}))
def test_every_extra_that_is_named_is_there(extra: str) -> None:
    """The command that is told installs something."""
    assert f"\n{extra} = [" in (chat_model.ROOT / "pyproject.toml").read_text()


TAKES = """\
from langgraph.graph import START, MessagesState, StateGraph

async def answer(state, model):
    return {"messages": [await model.ainvoke(state["messages"])]}

def agents(data_dir, model=None):
    async def step(state: MessagesState):
        return await answer(state, model)
    return {"mine": StateGraph(MessagesState).add_node("answer", step).add_edge(START, "answer").compile()}
"""


async def test_a_users_own_agents_are_given_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function with a parameter `model` gets LangChain's chat model, ready to use."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "agents_that_take.py").write_text(TAKES)
    async with serve_model(says("Hello.")) as server:
        made = load_agents(("agents_that_take:agents",), tmp_path, model=server.choice)
        graph = made["mine"]._plan.graph  # type: ignore[attr-defined]
        out = await graph.ainvoke({"messages": [HumanMessage("Hi")]})
    assert out["messages"][-1].text == "Hello."
    assert server.asked[0]["model"] == "some-model"


def test_without_a_choice_no_providers_package_is_imported(tmp_path: Path) -> None:
    """Importing them takes seconds, which only those wait for who chose a model."""
    code = (
        "import sys; from pathlib import Path; from agent_runtime.registry import load_agents; "
        f"load_agents(('agent_runtime.demo:agents',), Path({str(tmp_path)!r})); "
        "print(sorted({'openai', 'langchain_openai', 'langchain', 'tiktoken'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
