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
        ("/work/a", "/work", True),
        ("/work", "/work", True),
        ("/work/", "/work", True),
        ("//work//a/./b", "/work/", True),
        ("/work/a/../b", "/work", True),
        ("/work/../work/a", "/work", True),
        ("/workshop/a", "/work", False),
        ("/work/../etc/passwd", "/work", False),
        ("/work/a/../../etc", "/work", False),
        ("/../../etc", "/work", False),
        ("/etc", "/", True),
        ("reports/a.txt", "reports", True),
        ("a/b", ".", True),
        ("other/a.txt", "reports", False),
        ("/work/" + "a" * 200, "/work", True),
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
        ("/work/${X}", "/work", "has a $ in it"),
        ("/work\\..\\etc", "/work", "backslash"),
        ("/work/a\0/../../etc", "/work", "control character"),
        ("/work/\n", "/work", "control character"),
        ("/work/%2e%2e/etc", "/work", "encoded"),
        ("/work/%2E%2E%2Fetc", "/work", "encoded"),
        ("/work/%252e%252e/etc", "/work", "encoded"),
        ("file:///work/a", ".", "scheme or a drive"),
        ("C:/work", ".", "scheme or a drive"),
        ("a/b", "/work", "relative"),
        ("/work/a", "work", "the folder is relative"),
        ("../a", "a", "climbs out"),
        ("a/../../a/b", "a", "climbs out"),
        ("/work/.. /etc", "/work", "dots and blanks"),
        ("/work/.../etc", "/work", "dots and blanks"),
        ("/work/‥/etc", "/work", "letters are written"),
        ("/work/．．/etc", "/work", "letters are written"),
        ("/WORK/a", "/work", "letters are written"),
        ("/Etc/passwd", "/etc", "letters are written"),
        ("", "/work", "empty"),
        (" ", "/work", "empty"),
        ("/" + "a" * 5000, "/", "too long"),
        (["/work/a"], "/work", "not a text"),
        (None, "/work", "not a text"),
        ("/work/a", "", "empty"),
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
