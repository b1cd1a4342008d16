"""The text of a CEL condition taken apart: tokens, its `&&`, `||` and comparisons, and what it names.

The library that evaluates CEL shows no syntax tree. It has read the text before this does, so this only finds its way
through valid CEL, and leaves whole what it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cel

MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})

_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*)"""
    r"""|(?P<raw>(?i:r|rb|br)(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*'))"""
    r"""|(?P<text>(?i:b)?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}"""
    r"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))"""
    r"""|(?P<word>[A-Za-z_]\w*)"""
    r"""|(?P<number>\.?\d[\w.]*(?:(?<=[eE])[+-]\d+)?)"""
    r"""|(?P<sign>&&|\|\||[=!<>]=|.)""",
    re.DOTALL | re.ASCII,
)
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text that is not blank; `kind` is `text`, `word`, `number` or `sign`."""

    kind: str
    text: str
    start: int
    depth: int
    """How many brackets are open around it; a bracket counts as inside of itself."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What is left to the library as a whole."""

    source: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides and what stands between them."""

    source: str
    sign: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a part."""

    part: Part


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts between `&&`, which all must hold, or between `||`, of which one must."""

    every: bool
    parts: tuple[Part, ...]


Part = Leaf | Comparison | Not | Joined


def tokens_of(source: str) -> tuple[Token, ...]:
    """The tokens of a text, without blanks and comments."""
    return tuple(_tokens(source))


def _tokens(source: str) -> Iterator[Token]:
    depth = 0
    for found in _TOKEN.finditer(source):
        kind = found.lastgroup or "sign"
        if kind == "blank":
            continue
        depth += found[0] in _OPEN and kind == "sign"
        yield Token("text" if kind == "raw" else kind, found[0], found.start(), depth)
        depth -= found[0] in _CLOSE and kind == "sign"


def take_apart(source: str) -> Part:
    """The condition as its joined parts, down to comparisons and what is neither."""
    return _part(source, tokens_of(source))


def _part(source: str, tokens: Sequence[Token]) -> Part:
    level = tokens[0].depth - (tokens[0].text in _OPEN and tokens[0].kind == "sign")
    signs = [place for place, token in enumerate(tokens) if token.depth == level and token.kind in {"sign", "word"}]
    if not any(tokens[place].text == "?" for place in signs):
        for sign, every in (("||", False), ("&&", True)):
            cuts = [place for place in signs if tokens[place].text == sign]
            if cuts:
                edges = zip([-1, *cuts], [*cuts, len(tokens)], strict=True)
                return Joined(every, tuple(_part(source, tokens[begin + 1 : end]) for begin, end in edges))
        compared = [place for place in signs if tokens[place].text in COMPARISONS]
        if len(compared) == 1:
            return _comparison(source, tokens, compared[0])
        if not compared and tokens[0].text == "!" and len(tokens) > 1:
            return Not(_part(source, tokens[1:]))
        if not compared and _is_group(tokens, level):
            return _part(source, tokens[1:-1])
    return Leaf(_text(source, tokens))


def _comparison(source: str, tokens: Sequence[Token], place: int) -> Comparison:
    left, right = _text(source, tokens[:place]), _text(source, tokens[place + 1 :])
    return Comparison(_text(source, tokens), tokens[place].text, left, right)


def _is_group(tokens: Sequence[Token], level: int) -> bool:
    """Whether one pair of parentheses stands around it all."""
    if tokens[0].text != "(" or tokens[-1].text != ")" or len(tokens) < 3:
        return False
    return all(token.depth > level for token in tokens) and not any(
        token.text == ")" and token.kind == "sign" and token.depth == level + 1 for token in tokens[:-1]
    )


def _text(source: str, tokens: Sequence[Token]) -> str:
    last = tokens[-1]
    return source[tokens[0].start : last.start + len(last.text)]


def macros_of(tokens: Sequence[Token]) -> Iterator[tuple[int, int, str]]:
    """Where each macro begins and ends (places of its brackets), and the name it binds."""
    for place, token in enumerate(tokens[:-2]):
        if place and token.text in MACROS and tokens[place - 1].text == "." and tokens[place + 1].text == "(":
            depth = tokens[place + 1].depth
            end = next(
                later
                for later in range(place + 2, len(tokens))
                if tokens[later].text == ")" and tokens[later].kind == "sign" and tokens[later].depth == depth
            )
            yield place + 1, end, tokens[place + 2].text


def members_of(tokens: Sequence[Token], name: str) -> tuple[str | None, ...]:
    """The members that are taken of a variable, as `args.amount` or `args["amount"]`; None where it is used whole."""
    found: list[str | None] = []
    for place, token in enumerate(tokens):
        if token.kind != "word" or token.text != name or (place and tokens[place - 1].text == "."):
            continue
        after = [*(one for one in tokens[place + 1 : place + 4]), *[None] * 3][:3]
        found.append(_member(*after))
    return tuple(dict.fromkeys(found))


def _member(first: Token | None, second: Token | None, third: Token | None) -> str | None:
    if first is None or second is None:
        return None
    if first.text == "." and second.kind == "word" and not (third is not None and third.text == "("):
        return second.text
    if first.text == "[" and second.kind == "text" and third is not None and third.text == "]":
        return literal(second.text)
    return None


def literal(token: str) -> str | None:
    """What a text in quotes says; None where it is bytes."""
    value = cel.evaluate(token)
    return value if isinstance(value, str) else None
