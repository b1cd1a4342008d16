"""What a decision binds to: SHA-256 over canonical JSON (RFC 8785), and the seals (HMAC) that only this host can make.

RFC 8785 knows no integers past 2^53, so those are written `{"$int": "..."}` and real keys that begin with `$` get one
more. What is not JSON (bytes, NaN, lone surrogates, non-text keys) raises NotJson and is refused before anybody is
asked.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Mapping

import rfc8785

from agent_runtime.agents import ToolCall
from agent_runtime.errors import SignoffError
from storage.types import JsonValue

SAFE_INTEGER = 2**53 - 1
MAX_DEPTH = 64


class NotJson(SignoffError):
    """A value that has no JSON form, with where in it the trouble is (a JSON pointer)."""

    def __init__(self, pointer: str, problem: str) -> None:
        super().__init__(f"{problem} at {pointer or '/'}")
        self.pointer = pointer
        self.problem = problem


def canonical(value: JsonValue) -> bytes:
    """The one byte form of a JSON value. Raises NotJson."""
    return rfc8785.dumps(_encode(value, "", 0))


def digest_payload(payload: JsonValue) -> str:
    """SHA-256, hex, over the canonical form of an interrupt's payload. Raises NotJson."""
    return hashlib.sha256(canonical(payload)).hexdigest()


def digest_call(agent: str, run_id: str, call: ToolCall, revision: int) -> str:
    """SHA-256, hex, over everything that makes this call this call. Raises NotJson."""
    return digest_payload(
        {
            "agent": agent,
            "run": run_id,
            "step": call.step,
            "call": call.id,
            "tool": call.tool,
            "args": call.args,
            "revision": revision,
        }
    )


class Seal:
    """Makes and checks HMACs with a key that is kept outside the database."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, purpose: str, value: JsonValue) -> str:
        """HMAC-SHA256, hex, over the purpose and the canonical value: a seal of one kind never passes for another."""
        return hmac.new(self._key, purpose.encode() + b"\0" + canonical(value), hashlib.sha256).hexdigest()

    def fits(self, purpose: str, value: JsonValue, mac: str) -> bool:
        """Whether the seal is ours and over exactly this value; a value that is not JSON was never sealed."""
        try:
            made = self.make(purpose, value)
        except NotJson:
            return False
        return hmac.compare_digest(made.encode(), mac.encode("utf-8", "replace"))


def _encode(value: JsonValue, pointer: str, depth: int) -> JsonValue:
    if depth > MAX_DEPTH:
        raise NotJson(pointer, f"nested more than {MAX_DEPTH} deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= SAFE_INTEGER else {"$int": _digits(value, pointer)}
    if isinstance(value, str):
        return _encode_text(value, pointer)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotJson(pointer, f"{value} is not a JSON number")
        return value
    if isinstance(value, Mapping):
        return {_encode_key(key, pointer): _encode(item, f"{pointer}/{key}", depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(item, f"{pointer}/{index}", depth + 1) for index, item in enumerate(value)]
    raise NotJson(pointer, f"a {type(value).__name__} is not JSON")


def _digits(value: int, pointer: str) -> str:
    try:
        return str(value)
    except ValueError:  # Python writes no more than some thousand digits
        raise NotJson(pointer, "a number with too many digits") from None


def _encode_key(key: object, pointer: str) -> str:
    if not isinstance(key, str):
        raise NotJson(pointer, f"the key {key!r} is not text")
    return _encode_text("$" + key if key.startswith("$") else key, pointer)


def _encode_text(text: str, pointer: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotJson(pointer, "text with half a surrogate pair") from None
    return text
