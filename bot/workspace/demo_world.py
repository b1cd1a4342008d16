"""The workspace that the demo and the tests start from: Lanternworks, its people, user groups and channels."""

from __future__ import annotations

from agent_runtime.clock import Clock
from bot.workspace.channels import Channel
from bot.workspace.installation import Shortcut, SlashCommand
from bot.workspace.people import SLACKBOT, Team, User, UserGroup
from bot.workspace.world import World

HOME = Team("T0LANTERN01", "Lanternworks", "lanternworks")
PARTNER = Team("T0TIDEWATER", "Tidewater Paper", "tidewater-paper")


def _id(prefix: str, name: str) -> str:
    """An id of eleven characters that a reader of a log recognises: `U0MARIA0001`."""
    stem = prefix + "0" + "".join(c for c in name.upper() if c.isalnum())[:8]
    return stem + "1".rjust(11 - len(stem), "0")


def add_person(world: World, name: str, real_name: str, title: str = "", team: Team | None = None) -> User:
    """A person with an e-mail address at their team's domain."""
    home = team or world.team
    user = User(_id("U", name), home.id, name, real_name, f"{name}@{home.domain}.example", title)
    user.is_stranger = home.id != world.team.id
    world.users[user.id] = user
    return user


def add_group(world: World, handle: str, name: str, members: list[str]) -> UserGroup:
    """A user group of the named people."""
    ids = [world.user_named(member).id for member in members]
    group = UserGroup(_id("S", handle), world.team.id, handle, name, ids)
    world.groups[group.id] = group
    return group


def add_channel(world: World, name: str, members: list[str], purpose: str = "", *, private: bool = False) -> Channel:
    """A channel with the named members; people of other teams make it a shared one."""
    users = [world.user_named(member) for member in members]
    channel = Channel(_id("C", name), name, world.team.id, [u.id for u in users], is_private=private, purpose=purpose)
    channel.shared_with = sorted({u.team_id for u in users} - {world.team.id})
    channel.creator = users[0].id if users else SLACKBOT
    world.channels[channel.id] = channel
    return channel


def demo_world(clock: Clock | None = None, seed: str | None = None) -> World:
    """Lanternworks: nine people (a guest, one of another team, one deactivated), five groups, seven channels.

    The bot is in #general, #approvals, #purchasing, #alerts and #approvers; not in #random, nor in the private #board.
    """
    world = World(HOME, clock, seed)
    world.teams[PARTNER.id] = PARTNER
    world.users[SLACKBOT] = User(SLACKBOT, HOME.id, "slackbot", "Slackbot", updated=0)
    add_person(world, "ana", "Ana Ruiz", "Office lead")
    add_person(world, "maria", "Maria Lindqvist", "Head of operations").is_admin = True
    add_person(world, "fred", "Fred Okafor", "Finance")
    add_person(world, "ines", "Ines Duarte", "Finance")
    add_person(world, "dora", "Dora Haddad", "Director")
    add_person(world, "sam", "Sam Whitlock", "Operator, on call")
    add_person(world, "gus", "Gus Marek", "Contractor").is_restricted = True
    add_person(world, "olga", "Olga Petrenko", "Account lead", PARTNER)
    add_person(world, "eve", "Eve Larkin", "Left in spring").deleted = True
    add_group(world, "staff", "All staff", ["ana", "maria", "fred", "ines", "dora", "sam"])
    add_group(world, "managers", "Managers", ["maria"])
    # Nobody is in two of the groups that sign a purchase: two signatures are two people.
    add_group(world, "finance", "Finance", ["fred", "ines"])
    add_group(world, "directors", "Directors", ["dora"])
    add_group(world, "oncall", "On call", ["sam"])
    staff = ["ana", "maria", "fred", "ines", "dora", "sam"]
    add_channel(world, "general", [*staff, "gus", "signoff"], "Everyone").is_general = True
    add_channel(world, "random", [*staff], "Anything else")
    add_channel(world, "approvals", [*staff, "gus", "signoff"], "What agents wait for")
    add_channel(world, "purchasing", [*staff, "olga", "signoff"], "Orders, with our suppliers")
    add_channel(world, "alerts", ["maria", "sam", "signoff"], "What needs looking after")
    add_channel(world, "approvers", ["maria", "signoff"], "Managers only", private=True)
    add_channel(world, "board", ["dora", "maria"], "Directors only", private=True)
    world.app.events |= {"message.channels", "message.groups"}
    world.app.shortcuts = (
        Shortcut("Start an agent", "global", "signoff_start_agent", "Choose an agent and say what it should do"),
        Shortcut("Ask an agent about this", "message", "signoff_ask_agent", "Start an agent with this message"),
    )
    world.app.commands = {name: SlashCommand(name) for name in ("/agent", "/approvals")}
    return world
