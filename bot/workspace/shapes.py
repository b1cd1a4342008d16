"""What a JSON object is called in this package, and the two encodings in which Slack writes JSON."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]
"""A JSON object: keys are strings, values anything that JSON can hold."""


def slack_json(value: Any) -> str:
    """JSON as Slack sends it: ASCII only, compact, every `/` written as `\\/`."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/")


def as_bool(value: Any) -> bool:
    """A flag as clients send it: JSON booleans, `1` and `0`, or the words `true` and `false`."""
    if isinstance(value, str):
        return value.strip().lower() in {"1", "true", "yes", "on"}
    return bool(value)
