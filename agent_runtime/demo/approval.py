"""The `approval` agent: it plans a mail, a person approves the plan, and it is sent. A no with a reason revises it."""

from __future__ import annotations

import mailbox
from dataclasses import asdict
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, tool
from langgraph.graph import START, StateGraph

from agent_runtime.demo import planner
from agent_runtime.demo.conversation import (
    AgentInput,
    AgentOutput,
    Conversation,
    Graph,
    PlannedCall,
    Reply,
    ToolError,
    not_understood,
    one_line,
    propose,
    replies,
    rounds,
    run_id,
    task,
    tool_node,
    wants_tools,
)
from agent_runtime.demo.thinking import model_graph

EXAMPLE = "Send email to team about meeting"
MAX_REVISIONS = 3
BODY_LIMIT = 100_000
PROMPT = """\
You write mail for people and send it with send_email, one mail for one task. A group without an address has one made \
from its name: the team is team@example.com. Write a short subject and a complete, polite body."""


def plan(state: Conversation) -> dict[str, Any]:
    """The first plan, a plan revised after a no, or the result."""
    answered = replies(state)
    if not answered:
        email = planner.email(task(state))
        if email is None:
            return not_understood(task(state), "I send mail: say to whom and about what.", EXAMPLE)
        return propose(state, f"The mail that was asked for, to {email.to}.", PlannedCall("send_email", asdict(email)))
    return after(state, answered[0])


def after(state: Conversation, reply: Reply) -> dict[str, Any]:
    """What follows from the answer to the last plan."""
    if reply.done:
        return {"result": reply.text}
    if reply.decision != "rejected" or not reply.reason.strip():
        return {"result": f"The mail was not sent: {reply.why_not}."}
    if rounds(state) > MAX_REVISIONS:
        return {"result": f"The mail was not sent after {MAX_REVISIONS} revisions: {reply.why_not}."}
    asked = reply.call["args"]
    revised = {**asked, "body": planner.reworded(asked["body"], one_line(reply.reason))}
    return propose(
        state,
        "The same mail with the reason in it: the demo's planner writes no sentences of its own.",
        PlannedCall("send_email", revised),
    )


def mail_tool(maildir: Path) -> BaseTool:
    """The tool that puts a mail into the Maildir."""

    @tool
    def send_email(
        to: Annotated[str, "Addresses, with commas between them"],
        subject: Annotated[str, "One line"],
        body: Annotated[str, "Plain text"],
        config: RunnableConfig,
    ) -> str:
        """Send a mail."""
        message = compose(to, subject, body, run_id(config))
        for part in ("tmp", "new", "cur"):  # made here, because two first calls at once make `create=True` fail
            (maildir / part).mkdir(parents=True, exist_ok=True)
        mailbox.Maildir(maildir, create=False).add(message)  # written under tmp, flushed to disk, then moved to new
        return f"Sent “{subject}” to {to}."

    return send_email


def compose(to: str, subject: str, body: str, run: str) -> EmailMessage:
    """The mail, or a ToolError where a header could be forged or no mail server would take it."""
    addresses = [address.strip() for address in to.split(",")]
    for address in addresses:
        local, _, domain = address.partition("@")
        if not (local and domain) or not address.isprintable() or set(local + domain) & set(' "<>()@;:\\'):
            raise ToolError(f"“{one_line(address, 80)}” is not a mail address.")
    if not subject.strip() or not subject.isprintable():
        raise ToolError("The subject must be one line of printable text.")
    if len(body) > BODY_LIMIT:
        raise ToolError(f"The body has {len(body)} characters, {BODY_LIMIT} are allowed.")
    message = EmailMessage()
    message["From"] = "signoff-demo@example.com"
    message["To"] = ", ".join(addresses)
    message["Subject"] = subject
    message["X-Run"] = run
    message.set_content(body)
    return message


def graph(data_dir: Path, model: BaseChatModel | None = None) -> Graph:
    """The compiled graph; mail goes to the Maildir `mail` in the data directory."""
    tools = [mail_tool(data_dir / "mail")]
    if model is not None:
        return model_graph("approval", model, PROMPT, tools, example=EXAMPLE)
    built = StateGraph(Conversation, input_schema=AgentInput, output_schema=AgentOutput)
    built.add_node("plan", plan)
    built.add_node("tools", tool_node(tools))
    built.add_edge(START, "plan")
    built.add_conditional_edges("plan", wants_tools)
    built.add_edge("tools", "plan")
    return built.compile(name="approval")
