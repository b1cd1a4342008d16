"""What changed, line by line: `- ` gone, `+ ` new, two blanks before what stayed, and marks where much stayed. Every
line that is shown is visible text, so no text of anybody's can pass for a mark."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from agent_runtime.views import ArgumentChange
from bot.cards.arguments import argument
from bot.cards.text import Visible, quantity

_CONTEXT_LINES = 2
_MOST_LINES = 4_000


def line_difference(before: Sequence[str], after: Sequence[str]) -> str:
    """The lines that differ between two texts, and two around each."""
    if list(before) == list(after):
        return "(none)"
    if len(before) + len(after) > _MOST_LINES:
        return "(too many lines to compare)"
    return "\n".join(_lines(before, after))


def _lines(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, before, after)
    shown = 0
    for group in matcher.get_grouped_opcodes(_CONTEXT_LINES):
        first, last = group[0][3], group[-1][4]
        if first > shown:
            yield f"⟦{quantity(first - shown, 'unchanged line')}⟧"
        shown = last
        for tag, i, j, k, m in group:
            if tag == "equal":
                yield from (f"  {one}" for one in after[k:m])
            else:
                yield from (f"- {one}" for one in before[i:j])
                yield from (f"+ {one}" for one in after[k:m])


def changed_arguments(changes: Sequence[ArgumentChange]) -> Visible:
    """Each changed argument as it was and as it is."""
    if not changes:
        return Visible("(nothing that can be seen)", 0)
    written = [_changed(one) for one in changes]
    return Visible("\n".join(one.text for one in written), sum(one.escaped for one in written))


def _changed(change: ArgumentChange) -> Visible:
    nothing = Visible("", 0)
    before = nothing if change.added else argument(change.name, change.before)
    after = nothing if change.removed else argument(change.name, change.after)
    gone, new = ([] if one is nothing else one.text.split("\n") for one in (before, after))
    if len(gone) > 1 and len(new) > 1 and gone[0] == new[0]:  # a long text: where it changed, under its name
        return Visible(f"  {new[0]}\n{line_difference(gone[1:], new[1:])}", before.escaped + after.escaped)
    lines = [*(f"- {one}" for one in gone), *(f"+ {one}" for one in new)]
    return Visible("\n".join(lines), before.escaped + after.escaped)
