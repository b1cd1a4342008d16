"""What is wrong with a condition before any call: its grammar, the names and functions in it, what could run for long.

Whoever writes a condition is told when the file is read, not when the first call is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import cel

from agent_runtime.cel_text import MACROS, Token, literal, macros_of, members_of, tokens_of
from agent_runtime.errors import TextError, quoted

LONGEST = 2000
NAMES = ("args", "tool", "agent", "run")
OF_RUN = ("requested_by", "input")
FUNCTIONS = frozenset(
    {"within", "has", "size", "contains", "startsWith", "endsWith", "matches", "int", "uint", "double", "string"}
    | {"type", "dyn", "timestamp", "duration"}
)
_MACROS = MACROS - {"map"}  # whose time is the square of what it makes
_TYPES = frozenset({"int", "uint", "double", "string", "bool", "list", "map", "null_type"})
_OPERATOR = re.compile(r"[@_!-]")
_SYNTAX = re.compile(r"<input>:(\d+):(\d+): (?:Syntax error: )?([^\n]+)")
_PATHS = re.compile(r"path|file|dir|folder|location|target|destination|^to$|^from$", re.IGNORECASE)


def check_condition(source: str) -> str:
    """The condition itself when it can be evaluated. Raises `TextError`."""
    if len(source) > LONGEST:
        raise TextError(f"is longer than {LONGEST:,} characters", "Make two policies of it")
    program = _compiled(source)
    tokens = tokens_of(source)
    if any(one.text == other.text == "!" for one, other in pairwise(tokens)):
        raise TextError("has !! in it", "Remove both")
    bound = _check_macros(tokens)
    _check_names(set(program.variables()) - bound)
    _check_functions(program.functions())
    _check_run(tokens)
    _check_patterns(tokens)
    return source


def condition_arguments(source: str) -> tuple[str, ...]:
    """The arguments that a checked condition must find; those that it asks for with `has` need not be there."""
    tokens = tokens_of(source)
    asked = {tokens[place + 4].text for place, token in enumerate(tokens[:-4]) if token.text == "has"}
    return tuple(name for name in members_of(tokens, "args") if name is not None and name not in asked)


def path_prefixes(source: str) -> tuple[str, ...]:
    """Where a checked condition compares what looks like a path by its beginning: `..` gets past that."""
    tokens = tokens_of(source)
    return tuple(
        f"{tokens[place - 2].text}.startsWith({tokens[place + 2].text})"
        for place, token in enumerate(tokens[:-2])
        if token.text == "startsWith" and place > 1 and _is_path(tokens[place - 2], tokens[place + 2])
    )


def _is_path(receiver: Token, prefix: Token) -> bool:
    said = (literal(prefix.text) or "") if prefix.kind == "text" else ""
    return (
        "/" in said.removeprefix("https://").removeprefix("http://")[:1]
        or said.startswith(("~", "."))
        or (receiver.kind == "word" and bool(_PATHS.search(receiver.text)) and "://" not in said)
    )


def _compiled(source: str) -> cel.Program:
    try:
        return cel.compile(source)
    except Exception as error:  # noqa: BLE001 - whatever the library makes of a text that is not CEL
        found = _SYNTAX.search(str(error))
        where = f" at character {found[2]}" + (f" of line {found[1]}" if "\n" in source else "") if found else ""
        said = found[3].split(" expecting ")[0].strip() if found else "nobody can read it"
        raise TextError(f"is not CEL: {said}{where}", _mend_syntax(source)) from None


def _mend_syntax(source: str) -> str:
    if re.search(r"(?<![=!<>])=(?!=)", source):
        return 'Compare with ==, as args.currency == "EUR"'
    if re.search(r"\b(?:and|or|not)\b", source):
        return "Write && for and, || for or, ! for not"
    return 'Write a condition such as args.amount >= 1000 && args.currency == "EUR"'


def _check_macros(tokens: Sequence[Token]) -> set[str]:
    """The names that macros bind. One inside another would take the square of the time."""
    ends = 0
    bound: set[str] = set()
    for begin, end, name in macros_of(tokens):
        if tokens[begin - 1].text == "map":
            raise TextError("uses map, which there is not", "Use all, exists or filter: a condition is true or false")
        if begin < ends:
            raise TextError("has a macro inside of a macro", f"Use one of {', '.join(sorted(_MACROS))} at a time")
        if name in NAMES or name in FUNCTIONS:
            raise TextError(f"names {name} anew in a macro", "Choose another name, such as x")
        ends = end
        bound.add(name)
    return bound


def _check_names(names: set[str]) -> None:
    for name in sorted(names - {*NAMES, *_TYPES}):
        mend = f"Write args.{name} for an argument; known are {', '.join(NAMES[:-1])}, run.requested_by and run.input"
        raise TextError(f"names {name}, which there is not", mend)


def _check_functions(names: Sequence[str]) -> None:
    for name in names:
        if name in MACROS:
            raise TextError(f"uses {name} in a form that there is not", f"Write args.items.{name}(x, ...)")
        if not _OPERATOR.match(name) and name not in FUNCTIONS:
            raise TextError(
                f"calls {name}(), which there is not", f"Known are {', '.join(sorted(FUNCTIONS | _MACROS))}"
            )


def _check_run(tokens: Sequence[Token]) -> None:
    for member in members_of(tokens, "run"):
        if member not in OF_RUN:
            problem = f"asks for run.{member}, which there is not" if member else "uses run as a whole"
            raise TextError(problem, "Write run.requested_by or run.input")


def _check_patterns(tokens: Sequence[Token]) -> None:
    """A pattern is written out and valid: one that a call could choose would be the agent's rule."""
    for pattern in _patterns(tokens):
        if pattern is None:
            raise TextError("matches a pattern that is not written out", 'Write it in quotes, as .matches("^a+$")')
        try:
            cel.compile("''.matches(pattern)").execute({"pattern": pattern})
        except Exception:  # noqa: BLE001 - the library's own type for a bad pattern
            raise TextError(f"matches {quoted(pattern)}, which is no regular expression", "Correct it") from None


def _patterns(tokens: Sequence[Token]) -> Iterator[str | None]:
    for place, token in enumerate(tokens):
        if token.kind == "word" and token.text == "matches" and tokens[place + 1 : place + 2]:
            inside = tokens[place + 2 : place + 4]
            alone = len(inside) == 2 and inside[0].kind == "text" and inside[1].text == ")"
            yield literal(inside[0].text) if alone else None
