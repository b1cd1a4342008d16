"""The directory: who somebody is, fresh and in time, or no answer at all."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from agent_runtime.clock import MovableClock
from agent_runtime.people import Member, Unreachable
from agent_runtime.selectors import STARTER
from bot import directory
from bot.workspace import Workspace
from bot.workspace.demo_world import add_channel, add_person
from storage.types import Actor, ActorKind
from tests.bot_delivery.office import Office, open_office

MANAGERS = "usergroup:managers"


async def seen(office: Office, name: str, *selectors: str, **given: bool) -> Member:
    member = await office.directory.member(office.person(name), selectors, **given)
    assert isinstance(member, Member)
    return member


async def test_a_member_of_a_group_named_by_handle(office: Office) -> None:
    """The selector's people are found by the group's handle, and nobody else holds it."""
    assert (await seen(office, "maria", MANAGERS)).holds == {MANAGERS}
    assert (await seen(office, "ana", MANAGERS)).holds == set()


async def test_a_member_of_a_group_named_by_id(office: Office, ws: Workspace) -> None:
    """An id needs no list of groups."""
    selector = f"usergroup:{ws.world.group_named('finance').id}"
    assert (await seen(office, "fred", selector)).holds == {selector}
    assert ws.calls_to("usergroups.list") == []


async def test_a_person_named_by_id(office: Office) -> None:
    """`user:` holds for exactly that person, and asks nobody else."""
    selector = f"user:{office.person('sam').id}"
    assert (await seen(office, "sam", selector)).holds == {selector}
    assert (await seen(office, "ana", selector)).holds == set()


async def test_the_member_is_told_by_slacks_name_and_team(office: Office, ws: Workspace) -> None:
    """The snapshot says the home team and the name that people know, whatever the click carried."""
    bare = office.person("maria").model_copy(update={"name": ""})
    member = await office.directory.member(bare, ())
    assert isinstance(member, Member)
    assert (member.actor.name, member.home_team) == ("Maria Lindqvist", ws.world.team.id)


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("ana", (True, False, False, False)),
        ("gus", (True, False, False, True)),
        ("eve", (True, True, False, False)),
        ("signoff", (True, False, True, False)),
    ],
)
async def test_what_slack_says_of_a_person(office: Office, name: str, flags: tuple[bool, ...]) -> None:
    """Guests, deactivated people and bots are known for what they are."""
    member = await seen(office, name)
    assert (member.known, member.deleted, member.bot, member.guest) == flags


async def test_slackbot_is_a_bot(office: Office) -> None:
    """Slack says of its own bot that it is none; we know better."""
    slackbot = Actor(kind=ActorKind.SLACK, id="USLACKBOT", team=office.directory.identity.team_id)
    member = await office.directory.member(slackbot, ())
    assert isinstance(member, Member)
    assert member.bot


async def test_a_single_channel_guest_is_a_guest(office: Office, ws: Workspace) -> None:
    """Either kind of guest is one."""
    ws.world.user_named("ana").is_ultra_restricted = True
    assert (await seen(office, "ana")).guest


async def test_somebody_of_another_team_is_of_another_team(office: Office) -> None:
    """A shared channel's foreign members keep their team, and hold nothing."""
    olga = await seen(office, "olga", f"user:{office.person('olga').id}")
    assert olga.actor.team != olga.home_team
    assert olga.holds == set()


async def test_a_click_that_claims_our_team_is_held_against_slack(office: Office) -> None:
    """Where Slack knows the person in another team, that team counts, not the one in the click."""
    claimed = office.person("olga").model_copy(update={"team": office.directory.identity.team_id})
    member = await office.directory.member(claimed, ())
    assert isinstance(member, Member)
    assert member.actor.team == office.person("olga").team


async def test_an_unknown_person_is_unknown(office: Office) -> None:
    """An id that stands for nobody is no failure, and nobody."""
    nobody = Actor(kind=ActorKind.SLACK, id="U0NOBODY001", team=office.directory.identity.team_id)
    member = await office.directory.member(nobody, (MANAGERS,))
    assert isinstance(member, Member)
    assert not member.known


async def test_a_group_that_does_not_exist_names_nobody(office: Office, ws: Workspace) -> None:
    """A mistyped or deleted group keeps nobody else from deciding."""
    gone = ws.world.group_named("directors")
    gone.disabled_at = 1
    member = await seen(office, "maria", "usergroup:nobodys", "usergroup:directors", f"usergroup:{gone.id}", MANAGERS)
    assert member.holds == {MANAGERS}


async def test_members_of_a_private_channel(office: Office) -> None:
    """A private channel's members hold it, by name and by id."""
    by_id = f"channel:{office.ws.channel('#approvers').id}"
    assert (await seen(office, "maria", "channel:#approvers", by_id)).holds == {"channel:#approvers", by_id}
    assert (await seen(office, "ana", "channel:#approvers", by_id)).holds == set()


async def test_a_public_channel_names_nobody_unless_allowed(office: Office) -> None:
    """Whoever could join by themselves approves nothing, by name or by id, unless the policy says so."""
    by_id = f"channel:{office.ws.channel('#approvals').id}"
    asked = ("channel:#approvals", by_id)
    assert (await seen(office, "ana", *asked)).holds == set()
    assert (await seen(office, "ana", *asked, allow_public=True)).holds == set(asked)


async def test_a_channel_that_the_bot_cannot_see_names_nobody(office: Office) -> None:
    """A private channel without the bot cannot be read, so nobody is authorised by it."""
    assert (await seen(office, "dora", "channel:#board", f"channel:{office.ws.channel('#board').id}")).holds == set()


async def test_a_large_channel_is_read_to_its_end(office: Office, ws: Workspace) -> None:
    """Members beyond the first page are members."""
    crowd = [add_person(ws.world, f"{number:04}person", f"Person {number}").name for number in range(1_005)]
    add_channel(ws.world, "crowd", [*crowd, "dora", "signoff"], private=True)
    assert (await seen(office, "dora", "channel:#crowd")).holds == {"channel:#crowd"}


async def test_removal_takes_effect_within_the_reuse_of_a_reading(
    office: Office, ws: Workspace, clock: MovableClock
) -> None:
    """Somebody removed from a group holds it half a minute longer at most, and the snapshot says how old it is."""
    first = await seen(office, "maria", MANAGERS)
    ws.world.group_named("managers").users.clear()
    clock.advance(timedelta(seconds=30))
    second = await seen(office, "maria", MANAGERS)
    assert second.holds == {MANAGERS}
    assert second.taken_at == first.taken_at
    clock.advance(timedelta(seconds=1))
    third = await seen(office, "maria", MANAGERS)
    assert third.holds == set()
    assert third.taken_at == clock.now()


async def test_a_snapshot_is_as_old_as_its_oldest_reading(office: Office, clock: MovableClock) -> None:
    """A fresh look at the person does not make an older list of groups younger."""
    asked_at = clock.now()
    await seen(office, "maria", MANAGERS)
    clock.advance(timedelta(seconds=20))
    assert (await seen(office, "ana", MANAGERS)).taken_at == asked_at


@pytest.mark.parametrize(
    ("before", "after"), [("usergroup:finance", MANAGERS), ("channel:#general", "channel:#approvers")]
)
async def test_members_are_as_old_as_the_list_that_named_them(
    office: Office, clock: MovableClock, before: str, after: str
) -> None:
    """Members read just now, of what an older list says the name means, are as old as that list."""
    asked_at = clock.now()
    await seen(office, "ana", before)
    clock.advance(timedelta(seconds=20))
    member = await seen(office, "maria", after)
    assert member.holds == {after}
    assert member.taken_at == asked_at


async def test_ten_clicks_at_once_cost_one_reading(office: Office, ws: Workspace) -> None:
    """A crowd that clicks at once makes each call once."""
    await asyncio.gather(*(seen(office, "maria", MANAGERS, "channel:#approvers") for _ in range(10)))
    for method in ("users.info", "usergroups.list", "usergroups.users.list", "conversations.list"):
        assert len(ws.calls_to(method)) == 1, method


async def test_a_slow_directory_is_unreachable_and_warm_the_next_time(
    office: Office, ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits longer than the limit is told so; the read goes on and the next click finds it done."""
    await seen(office, "maria")
    await office.directory.mentions((MANAGERS,))
    fault = ws.fail("usergroups.users.list", hang="before")  # all else is known by now
    with monkeypatch.context() as hurried:
        hurried.setattr(directory, "LIMIT", timedelta(seconds=0.05))
        assert isinstance(await office.directory.member(office.person("maria"), (MANAGERS,)), Unreachable)
    await fault.reached()
    fault.release()
    await ws.wait_for(lambda: ws.calls_to("usergroups.users.list")[-1].status == 200)
    assert (await seen(office, "maria", MANAGERS)).holds == {MANAGERS}
    assert len(ws.calls_to("usergroups.users.list")) == 1


@pytest.mark.parametrize("method", ["users.info", "usergroups.list", "usergroups.users.list", "conversations.members"])
@pytest.mark.parametrize("fault", [{"status": 500}, {"error": "fatal_error"}, {"error": "missing_scope"}])
async def test_a_directory_that_fails_authorises_nobody(office: Office, ws: Workspace, method: str, fault) -> None:
    """Any call that fails makes the whole answer void, even where another selector would name the person."""
    ws.fail(method, times=None, **fault)
    asked = (f"user:{office.person('maria').id}", MANAGERS, "channel:#approvers")
    assert isinstance(await office.directory.member(office.person("maria"), asked), Unreachable)


@pytest.mark.parametrize(
    ("method", "selector"),
    [
        ("users.info", MANAGERS),
        ("usergroups.users.list", MANAGERS),
        ("conversations.list", "channel:#approvers"),
        ("conversations.members", "channel:#approvers"),
    ],
)
async def test_a_rate_limit_is_respected_by_the_directory(
    office: Office, ws: Workspace, clock: MovableClock, method: str, selector: str
) -> None:
    """After a 429 Slack is not asked again until it said so; meanwhile nobody is authorised."""
    ws.fail(method, status=429, retry_after=20)
    for _ in range(3):
        assert isinstance(await office.directory.member(office.person("maria"), (selector,)), Unreachable)
    assert len(ws.calls_to(method)) == 1
    clock.advance(timedelta(seconds=20))
    assert (await seen(office, "maria", selector)).holds == {selector}


async def test_who_is_not_in_slack_is_not_in_the_directory(office: Office) -> None:
    """An actor of another surface is nobody to Slack's directory."""
    operator = Actor(kind=ActorKind.TOKEN, id="ops", team=office.directory.identity.team_id)
    assert isinstance(await office.directory.member(operator, ()), Unreachable)


async def test_no_address_is_read_unless_switched_on(office: Office) -> None:
    """Slack tells addresses; the directory does not keep them, nor anything made of them."""
    member = await office.directory.member(office.person("maria"), (), starter=office.person("ana"))
    assert isinstance(member, Member)
    assert (member.actor.person, member.starter_person) == ("", "")
    assert "person" not in member.actor.model_dump()


async def test_switched_on_accounts_with_one_address_are_one_person(
    tmp_path: Path, ws: Workspace, clock: MovableClock
) -> None:
    """However the address is written; it is kept as a hash with a key, never itself."""
    add_person(ws.world, "ana2", "Ana (admin)").email = "ANA+admin@lanternworks.example"
    async with open_office(tmp_path, ws, clock, emails=True) as office:
        ana = office.person("ana")
        second = await office.directory.member(office.person("ana2"), (), starter=ana)
        maria = await office.directory.member(office.person("maria"), (), starter=ana)
    assert isinstance(second, Member)
    assert isinstance(maria, Member)
    assert second.actor.person == second.starter_person == maria.starter_person != maria.actor.person
    assert maria.actor.person != hashlib.sha256(b"maria@lanternworks.example").hexdigest()
    assert "lanternworks" not in f"{maria!r} {maria.actor.model_dump_json()}"


async def test_mentions_notify_the_people_of_each_selector(office: Office, ws: Workspace) -> None:
    """Groups by their id, persons and the starter by theirs, a small channel person by person without the bot."""
    sam, ana, maria = (office.person(name).id for name in ("sam", "ana", "maria"))
    asked = ("usergroup:finance", f"user:{sam}", STARTER, "channel:#approvers")
    found = await office.directory.mentions(asked, office.person("ana"))
    assert found == (f"<!subteam^{ws.world.group_named('finance').id}>", f"<@{sam}>", f"<@{ana}>", f"<@{maria}>")


async def test_a_large_channel_is_mentioned_as_a_channel(office: Office, ws: Workspace) -> None:
    """Nobody calls a crowd one by one."""
    crowd = [add_person(ws.world, f"{number}person", f"Person {number}").name for number in range(11)]
    channel = add_channel(ws.world, "crowd", [*crowd, "signoff"], private=True)
    assert await office.directory.mentions(("channel:#crowd",)) == (f"<#{channel.id}>",)


async def test_mentions_never_fail_a_click(office: Office, ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Slack does not answer in time, people are written by name."""
    monkeypatch.setattr(directory, "LIMIT", timedelta(seconds=0.05))
    ws.fail("usergroups.list", hang="before", times=None)
    assert await office.directory.mentions((MANAGERS,)) == ("managers",)
    ws.heal()


async def test_an_address_names_the_one_person_who_has_it(tmp_path: Path, ws: Workspace, clock: MovableClock) -> None:
    """Switched on; nobody where the address is nobody's, or its owner has left."""
    maria, dora = "email:maria@lanternworks.example", "email:dora@lanternworks.example"
    async with open_office(tmp_path, ws, clock, emails=True) as office:
        assert (await seen(office, "maria", maria, dora, "email:nobody@lanternworks.example")).holds == {maria}
        assert await office.directory.mentions((maria,)) == (f"<@{office.person('maria').id}>",)
        assert (await seen(office, "eve", "email:eve@lanternworks.example")).holds == set()
        assert (await seen(office, "maria", "email:maria+admin@lanternworks.example")).holds == set()


async def test_switched_off_an_address_names_nobody(office: Office, ws: Workspace) -> None:
    """Slack is not even asked."""
    assert (await seen(office, "maria", "email:maria@lanternworks.example")).holds == set()
    assert ws.calls_to("users.lookupByEmail") == []
