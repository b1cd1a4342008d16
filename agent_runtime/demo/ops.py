"""The `ops` agent: it reads, writes, edits and deletes files and runs commands, all inside its sandbox folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool, tool
from langgraph.graph import START, StateGraph

from agent_runtime.demo import commands, shell
from agent_runtime.demo.conversation import (
    AgentInput,
    AgentOutput,
    Conversation,
    Graph,
    Reply,
    history,
    not_understood,
    propose,
    rounds,
    task,
    tool_node,
    wants_tools,
)
from agent_runtime.demo.sandbox import Sandbox
from agent_runtime.demo.thinking import model_graph

EXAMPLE = "Create a backup script at /backup.sh that archives the /data directory"
SKILL = "I know: read X · write X: text · edit X: old -> new · delete X · run COMMAND."
PROMPT = """\
You work on the files of one sandbox folder, whose top is /, and run shell commands in it. Read before you change. \
Make calls that do not need each other in one message; wait for what another call needs."""

FilePath = Annotated[str, "A file in the sandbox; /notes.txt and notes.txt are the same"]


def work(state: Conversation) -> dict[str, Any]:
    """The next batch of calls while everything went well, else the result."""
    batches = commands.parse(task(state))
    if batches is None:
        return not_understood(task(state), SKILL, EXAMPLE)
    past = [reply for answered in history(state) for reply in answered]
    done = rounds(state)
    if done < len(batches) and all(reply.done for reply in past):
        return propose(state, batches[done].reason, *batches[done].calls)
    return {"result": "\n".join(_told(reply) for reply in past)}


def _told(reply: Reply) -> str:
    name, target = reply.call["name"], reply.call["args"].get("path") or reply.call["args"].get("command")
    return reply.text if reply.done else f"{name} {target}: not done, {reply.why_not}."


def file_tools(sandbox: Sandbox) -> list[BaseTool]:
    """The tools for files. They are synchronous: once entered they end by themselves."""

    @tool
    def read_file(path: FilePath) -> str:
        """Read a text file."""
        return sandbox.read(path)

    @tool
    def write_file(path: FilePath, content: Annotated[str, "The whole text of the file"]) -> str:
        """Write a text file, replacing what was there."""
        return f"Wrote {path} in the sandbox, {sandbox.write(path, content)} bytes."

    @tool
    def edit_file(
        path: FilePath,
        old: Annotated[str, "Text that occurs exactly once in the file"],
        new: Annotated[str, "Text to put in its place"],
    ) -> str:
        """Replace one piece of a text file."""
        return f"Edited {path} in the sandbox, {sandbox.edit(path, old, new)} bytes now."

    @tool
    def delete_file(path: FilePath) -> str:
        """Delete a file."""
        sandbox.delete(path)
        return f"Deleted {path} from the sandbox."

    return [read_file, write_file, edit_file, delete_file]


def shell_tool(folder: Path, limits: shell.Limits) -> BaseTool:
    """The tool for commands. It is asynchronous: cancelled, it kills what it started."""

    @tool
    async def execute(command: Annotated[str, "A command for /bin/sh, run in the sandbox folder"]) -> str:
        """Run a shell command. Its limits are a safety net, not a sandbox for hostile code."""
        return f"$ {command}\n{await shell.run(command, folder, limits)}"

    return execute


def graph(data_dir: Path, limits: shell.Limits | None = None, model: BaseChatModel | None = None) -> Graph:
    """The compiled graph; everything happens in `sandbox` in the data directory."""
    folder = data_dir / "sandbox"
    tools = [*file_tools(Sandbox(folder)), shell_tool(folder, limits or shell.Limits())]
    if model is not None:
        return model_graph("ops", model, PROMPT, tools, example=EXAMPLE)
    built = StateGraph(Conversation, input_schema=AgentInput, output_schema=AgentOutput)
    built.add_node("work", work)
    built.add_node("tools", tool_node(tools))
    built.add_edge(START, "work")
    built.add_conditional_edges("work", wants_tools)
    built.add_edge("tools", "work")
    return built.compile(name="ops")
