"""`within` never says yes to something outside, and what it cannot tell it refuses to answer."""

from __future__ import annotations

import posixpath
import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_runtime.within import UnsurePath, within


@pytest.mark.parametrize(
    ("path", "folder", "inside"),
    [
        ("/data/a", "/data", True),
        ("/data", "/data", True),
        ("/data/", "/data", True),
        ("//data//a/./b", "/data/", True),
        ("/data/a/../b", "/data", True),
        ("/data/../data/a", "/data", True),
        ("/datashop/a", "/data", False),
        ("/data/../etc/passwd", "/data", False),
        ("/data/a/../../etc", "/data", False),
        ("/../../etc", "/data", False),
        ("/etc", "/", True),
        ("reports/a.txt", "reports", True),
        ("a/b", ".", True),
        ("other/a.txt", "reports", False),
        ("/data/" + "a" * 200, "/data", True),
        ("/été/a", "/été", True),
    ],
)
def test_a_path_lies_in_a_folder_or_not(path: str, folder: str, inside: bool) -> None:
    """Empty parts and dots count for nothing, `..` goes up, and a name must be whole."""
    assert within(path, folder) is inside


@pytest.mark.parametrize(
    ("path", "folder", "why"),
    [
        ("~/x", "/home", "begins with ~"),
        ("~root/x", "/root", "begins with ~"),
        ("$HOME/x", "/home", "has a $ in it"),
        ("/data/${X}", "/data", "has a $ in it"),
        ("/data\\..\\etc", "/data", "backslash"),
        ("/data/a\0/../../etc", "/data", "control character"),
        ("/data/\n", "/data", "control character"),
        ("/data/%2e%2e/etc", "/data", "encoded"),
        ("/data/%2E%2E%2Fetc", "/data", "encoded"),
        ("/data/%252e%252e/etc", "/data", "encoded"),
        ("file:///data/a", ".", "scheme or a drive"),
        ("C:/data", ".", "scheme or a drive"),
        ("a/b", "/data", "relative"),
        ("/data/a", "work", "the folder is relative"),
        ("../a", "a", "climbs out"),
        ("a/../../a/b", "a", "climbs out"),
        ("/data/.. /etc", "/data", "dots and blanks"),
        ("/data/.../etc", "/data", "dots and blanks"),
        ("/data/‥/etc", "/data", "letters are written"),
        ("/data/．．/etc", "/data", "letters are written"),
        ("/DATA/a", "/data", "letters are written"),
        ("/Etc/passwd", "/etc", "letters are written"),
        ("", "/data", "empty"),
        (" ", "/data", "empty"),
        ("/" + "a" * 5000, "/", "too long"),
        (["/data/a"], "/data", "not a text"),
        (None, "/data", "not a text"),
        ("/data/a", "", "empty"),
    ],
)
def test_what_two_programs_read_in_two_ways_is_not_answered(path: object, folder: str, why: str) -> None:
    """A no would let it past a policy that forbids a folder, a yes past one that allows it."""
    with pytest.raises(UnsurePath, match=re.escape(why)):
        within(path, folder)


parts = st.lists(st.sampled_from(["..", ".", "", "a", "b", "A", "work", "w", "..a", "a.", "é", " "]), max_size=7)


@settings(max_examples=500)
@given(st.booleans(), parts, st.booleans(), parts)
def test_it_never_says_yes_to_something_outside(rooted: bool, path: list[str], based: bool, folder: list[str]) -> None:
    """Against the system's own arithmetic: a yes means that the one way from the folder to the path climbs nowhere."""
    said, place = ("/" * rooted + "/".join(path)), ("/" * based + "/".join(folder))
    try:
        inside = within(said, place)
    except UnsurePath:
        return
    way = posixpath.relpath(posixpath.normpath(said).replace("//", "/"), posixpath.normpath(place).replace("//", "/"))
    assert inside == (way != ".." and not way.startswith("../"))


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_two_texts_are_answered_or_refused(path: str, folder: str) -> None:
    """Nothing but a yes, a no, or the one error comes out."""
    with suppress(UnsurePath):
        assert within(path, folder) in {True, False}
