"""What a tool gave, as bytes for the journal, and back into what the agent expects.

A result is a ToolMessage, a Command, or a list of both. `format` is `text` where a person said what happened.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from langchain_core.messages import ToolMessage
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.types import Command

from agent_runtime.agents import Outcome, Refuse, Replay, ToolCall

TEXT = "text"
FORMAT = "langgraph/"
LONGEST_SUMMARY = 300


def encode(serde: SerializerProtocol, result: Any) -> Outcome:
    """The outcome of a call. What cannot be serialised is left out rather than lost with everything else: first the
    artifact, which no model sees, then all but the text."""
    summary = summarise(result)
    for candidate in (result, _without_artifact(result)):
        try:
            form, body = serde.dumps_typed(candidate)
        except Exception:  # noqa: BLE001, S112 - the effect happened: some record is better than none
            continue
        return Outcome(format=FORMAT + form, body=body, summary=summary)
    return Outcome(format=TEXT, body=_text(result).encode(errors="replace"), summary=summary)


def encode_error(serde: SerializerProtocol, call: ToolCall, error: BaseException) -> Outcome:
    """The outcome of a call whose tool raised."""
    words = f"{type(error).__name__}: {error}"
    return encode(serde, _message(call, f"The tool {call.tool} failed: {words}", failed=True))


def decode(serde: SerializerProtocol, call: ToolCall, replay: Replay) -> Any:
    """What the agent is given for a call that ended earlier."""
    outcome = replay.outcome
    if not outcome.format.startswith(FORMAT):
        return _message(call, outcome.body.decode(errors="replace"), failed=replay.failed)
    return serde.loads_typed((outcome.format.removeprefix(FORMAT), outcome.body))


def refusal(call: ToolCall, refuse: Refuse) -> ToolMessage:
    """What the agent is given for a call that must not run."""
    message = _message(call, refuse.sentence, failed=True)
    message.artifact = {"signoff": {"decision": refuse.decision, "reason": refuse.reason}}
    return message


def told(call: ToolCall, result: Any, changed: str) -> Any:
    """The result with the sentence that the agent must be given with it, in the call's own message; as it is where
    nothing was changed, or where the tool answers with a Command that has no such message."""
    if not changed:
        return result
    if isinstance(result, ToolMessage):
        return _with_words(result, changed) if result.tool_call_id == call.id else result
    if isinstance(result, list):
        return [told(call, part, changed) for part in result]
    if isinstance(result, Command) and isinstance(result.update, dict):
        messages = result.update.get("messages")
        if isinstance(messages, list):
            return replace(result, update={**result.update, "messages": told(call, messages, changed)})
    return result


def failed(result: Any) -> bool:
    """Whether the tool raised and its node made a message of the error."""
    return isinstance(result, ToolMessage) and result.status == "error"


def summarise(result: Any) -> str:
    """A short text for people."""
    text = " ".join(_text(result).split())
    return text if len(text) <= LONGEST_SUMMARY else text[: LONGEST_SUMMARY - 1] + "…"


def _message(call: ToolCall, text: str, *, failed: bool) -> ToolMessage:
    return ToolMessage(text, tool_call_id=call.id, name=call.tool, status="error" if failed else "success")


def _with_words(message: ToolMessage, words: str) -> ToolMessage:
    content = message.content
    said = f"{words}\n\n{content}" if isinstance(content, str) else [{"type": "text", "text": words}, *content]
    return message.model_copy(update={"content": said})


def _without_artifact(result: Any) -> Any:
    if isinstance(result, list):
        return [_without_artifact(part) for part in result]
    return result.model_copy(update={"artifact": None}) if isinstance(result, ToolMessage) else result


def _text(result: Any) -> str:
    if isinstance(result, ToolMessage):
        return str(result.text)
    if isinstance(result, Command):
        return "the tool changed the agent's state"
    if isinstance(result, list):
        return "; ".join(_text(part) for part in result)
    return str(result)
