"""The arguments of a call: could people review them, do they fit the tool, and what was changed in them."""

from __future__ import annotations

from jsonschema.exceptions import ValidationError

from agent_runtime.answer_schema import NotFollowed, first_fault
from agent_runtime.digest import NotJson, canonical
from agent_runtime.views import ArgumentChange
from storage.types import Json, JsonValue

LARGEST_ARGUMENTS = 200_000
"""Bytes of canonical arguments: more than this nobody could review."""

_LONGEST_FAULT = 300
_QUOTES_THE_SCHEMA = frozenset({"required", "dependentRequired"})
"""Rules whose faults quote names that the tool gave, and nothing of the value."""


def require_reviewable(args: JsonValue) -> None:
    """Raise NotJson where nobody could be shown what would run."""
    size = len(canonical(args))
    if size > LARGEST_ARGUMENTS:
        raise NotJson("", f"{size:,} bytes of arguments are more than the {LARGEST_ARGUMENTS:,} a person could review")


def misfit(schema: Json | None, args: Json, shown: Json | None = None) -> str:
    """Why the tool would not take these arguments, as a sentence for whoever wrote them; empty where it would, or where
    its schema is not known. `shown` is what may be read of them, None: everything."""
    if schema is None:
        return ""
    try:
        fault = first_fault(schema, args)
    except NotFollowed:
        return "The tool's own rules for its arguments cannot be followed, so nothing can be changed here."
    if fault is None:
        return ""
    return _told(fault, args, args if shown is None else shown)[:_LONGEST_FAULT]


def _told(fault: ValidationError, args: Json, shown: Json) -> str:
    """A fault in words. They quote the value that is at fault, unless something in there is redacted."""
    name = str(fault.absolute_path[0]) if fault.absolute_path else ""
    readable = name in shown and args[name] == shown[name] if name else args == shown
    if readable or (not name and fault.validator in _QUOTES_THE_SCHEMA):
        where = fault.json_path.removeprefix("$").removeprefix(".")
        return f"{where}: {fault.message}" if where else fault.message
    which = f"{name} does" if name in shown else "This does"
    return f"{which} not fit the tool's own rules ({fault.validator}). It holds what is redacted, so it is not quoted."


def changes(before: Json, after: Json) -> tuple[ArgumentChange, ...]:
    """The arguments that differ, in the order of `before`, added ones last."""
    names = [*before, *(name for name in after if name not in before)]
    return tuple(
        ArgumentChange(name, before.get(name), after.get(name), added=name not in before, removed=name not in after)
        for name in names
        if name not in before or name not in after or not is_same(before[name], after[name])
    )


def is_same(one: JsonValue, other: JsonValue) -> bool:
    """Whether two values are the same JSON; what is none is the same as nothing."""
    try:
        return canonical(one) == canonical(other)
    except NotJson:
        return False
