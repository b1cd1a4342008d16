"""Button values say which request was looked at, and nothing that could be believed by mistake."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.ids import ActionId, CallbackId, FieldId, Metadata, Target, page_of, run_id_of

targets = st.builds(
    Target,
    st.from_regex(r"[0-9A-Za-z_-]{1,64}", fullmatch=True),
    st.integers(0, 999_999_999),
    st.integers(0, 999_999_999),
)


@given(targets)
def test_a_target_survives_the_way_through_a_button(target: Target) -> None:
    """What a button carries reads back as it was, within 150 characters."""
    assert Target.parse(target.value) == target
    assert len(target.value) <= 150


@pytest.mark.parametrize(
    "value",
    [
        "",
        "A1",
        "A1.1",
        "A1.1.0.0",
        "A1.01.0",
        "A1.-1.0",
        "A1.1.0\n",
        " A1.1.0",
        "A1.1.٣",
        "A 1.1.0",
        "A1.1.9999999999",
        ".1.0",
    ],
)
def test_an_odd_value_is_no_target(value: str) -> None:
    """Anything but exactly our own form is nothing."""
    assert Target.parse(value) is None


@given(st.one_of(st.text(), st.none(), st.integers(), st.lists(st.text())))
def test_parsing_never_fails(value: object) -> None:
    """Whatever arrives, the parsers answer: what they accept is what they write."""
    parsed = Target.parse(value)
    assert parsed is None or parsed.value == value
    assert Metadata.parse(value) is None or isinstance(value, str)
    assert page_of(value) is None or str(page_of(value)) == value
    assert run_id_of(value) in (None, value)


@given(targets, st.integers(0, 10_000), st.sampled_from(("", "C123", "D1")), st.sampled_from(("", "0a" * 32)))
def test_metadata_survives_the_way_through_a_modal(target: Target, page: int, channel: str, shown: str) -> None:
    """What a modal remembers reads back as it was."""
    metadata = Metadata(target, page, channel, shown)
    assert Metadata.parse(metadata.text) == metadata


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "null",
        "{",
        '{"target": "A1.1.0", "page": true, "channel": "", "shown": ""}',
        '{"target": "A1.1.0", "page": -1, "channel": "", "shown": ""}',
        '{"target": "A1.1.0", "page": 0, "channel": "<!here>", "shown": ""}',
        '{"target": "A1.1.0", "page": 0, "channel": "", "shown": "", "more": 1}',
        '{"target": "A1", "page": 0, "channel": "", "shown": ""}',
        '{"target": "A1.1.0", "page": 0, "channel": "", "shown": "0A"}',
        '{"target": "A1.1.0", "page": 0, "channel": "", "shown": 1}',
    ],
)
def test_odd_metadata_is_nothing(text: str) -> None:
    """A modal that is not ours has no target."""
    assert Metadata.parse(text) is None


def test_ids_are_ours_and_unique() -> None:
    """No id means two things, and all begin with our name."""
    for ids in (list(ActionId), list(CallbackId), list(FieldId)):
        assert len(set(ids)) == len(ids)
        assert all(one.startswith("signoff_") for one in ids)
