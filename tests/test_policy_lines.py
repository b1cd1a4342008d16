"""Every key of a TOML text is found on the line where a person sees it."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.toml_lines import KeyPath, locate

TEXT = '''\
# a comment with [brackets] and key = 1
title = "a # no comment, and = no key"   # a comment
"quoted key" = 1
'literal.key' = 2
dotted . key."with.dot" = 3
blank = ""
empty = """"""
many = """
not = "a key"
[not.a.table]
\\""" still inside ""
two quotes at the end"""""
raw = \'\'\'
# not a comment
\'\'\'
list = [ "one",  # first ]
  [ 2, 2.5 ],
  { deep = { er = true }, with.dots = [] },

]
date = 1979-05-27 07:32:00Z # a date with a space

[ table . inner ]
key = { a = 1, "b" = [
  { c = 2 },
] }

[[policy]]
tool = "a"
[[policy.stage]]
name = "a1"
[[policy.stage]]
name = "a2"
[policy.stage.more]
x = 1
[[policy]]
  [[policy.stage]]
  name = "b1"
[table]
late = 1
'''

LINES: dict[KeyPath, int] = {
    ("title",): 2,
    ("quoted key",): 3,
    ("literal.key",): 4,
    ("dotted",): 5,
    ("dotted", "key"): 5,
    ("dotted", "key", "with.dot"): 5,
    ("blank",): 6,
    ("empty",): 7,
    ("many",): 8,
    ("raw",): 13,
    ("list",): 16,
    ("list", 0): 16,
    ("list", 1): 17,
    ("list", 1, 0): 17,
    ("list", 1, 1): 17,
    ("list", 2): 18,
    ("list", 2, "deep"): 18,
    ("list", 2, "deep", "er"): 18,
    ("list", 2, "with"): 18,
    ("list", 2, "with", "dots"): 18,
    ("date",): 21,
    ("table",): 23,
    ("table", "inner"): 23,
    ("table", "inner", "key"): 24,
    ("table", "inner", "key", "a"): 24,
    ("table", "inner", "key", "b"): 24,
    ("table", "inner", "key", "b", 0): 25,
    ("table", "inner", "key", "b", 0, "c"): 25,
    ("policy",): 28,
    ("policy", 0): 28,
    ("policy", 0, "tool"): 29,
    ("policy", 0, "stage"): 30,
    ("policy", 0, "stage", 0): 30,
    ("policy", 0, "stage", 0, "name"): 31,
    ("policy", 0, "stage", 1): 32,
    ("policy", 0, "stage", 1, "name"): 33,
    ("policy", 0, "stage", 1, "more"): 34,
    ("policy", 0, "stage", 1, "more", "x"): 35,
    ("policy", 1): 36,
    ("policy", 1, "stage"): 37,
    ("policy", 1, "stage", 0): 37,
    ("policy", 1, "stage", 0, "name"): 38,
    ("table", "late"): 40,
}


def paths(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    """Every path into a parsed document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path} - {()} | {deeper for key, inner in items for deeper in paths(inner, (*path, key))}


def test_every_kind_of_key_is_found_on_its_line() -> None:
    """Tables, arrays of tables, dotted and quoted keys, inline tables, lists and strings over several lines."""
    assert locate(TEXT) == LINES
    assert paths(tomllib.loads(TEXT)) == set(LINES)


def test_line_ends_of_other_systems_count_the_same() -> None:
    """A file saved with carriage returns has the same lines."""
    assert locate(TEXT.replace("\n", "\r\n")) == LINES


names = st.sampled_from(["a", "b", "c-1", "d e", "f.g", "", 'q"', "#", "é\n"])
values = st.recursive(
    st.integers(-5, 5) | st.booleans() | st.text("a\"\\#[]{}=,.\n' é", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
noise = st.sampled_from(["", "\n", "  # [x]\n", "\n\t\n# a = 1\n"])


def inline(value: Any) -> str:
    """A value in TOML, tables inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {inline(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)


@given(st.data())
def test_any_document_is_walked_to_its_end(data: st.DataObject) -> None:
    """The scanner finds exactly the keys the parser finds, each where the text was written."""
    text, expected = "", {}
    for number in range(data.draw(st.integers(0, 4))):
        text += data.draw(noise)
        array = data.draw(st.booleans())
        table: KeyPath = (
            ("array", sum(("array", place) in expected for place in range(9))) if array else (f"t{number}",)
        )
        expected[table] = text.count("\n") + 1
        text += "[[array]]\n" if array else f"[ 't{number}' ]\n"
        for key, value in data.draw(st.dictionaries(names, values, max_size=3)).items():
            text += data.draw(noise)
            expected[(*table, key)] = text.count("\n") + 1
            text += f"{json.dumps(key)} = {inline(value)}{data.draw(st.sampled_from(['', ' # end']))}\n"
    lines = locate(text)
    assert set(lines) == paths(tomllib.loads(text))
    assert {path: lines[path] for path in expected} == expected
