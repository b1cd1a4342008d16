"""The methods about who is who: auth.test, users, user groups, team, bots."""

from __future__ import annotations

from bot.workspace.errors import ApiError
from bot.workspace.methods.registry import Call, method, more, page
from bot.workspace.people import group_json, user_json
from bot.workspace.posting import bot_profile
from bot.workspace.shapes import Json
from bot.workspace.world import World


@method("auth.test")
def auth_test(call: Call) -> Json:
    """Who the token belongs to."""
    world, app = call.world, call.world.app
    return {
        "url": world.team.url,
        "team": world.team.name,
        "user": app.name,
        "team_id": world.team.id,
        "user_id": app.bot_user,
        "bot_id": app.bot_id,
        "is_enterprise_install": False,
    }


@method("api.test", caller="anyone")
def api_test(call: Call) -> Json:
    """Echo the arguments; `error` is answered as an error."""
    if call.text("error"):
        raise ApiError(call.text("error"), args=call.args)
    return {"args": call.args}


def _with_email(world: World) -> bool:
    return "users:read.email" in world.app.scopes


@method("users.info", "users:read")
def users_info(call: Call) -> Json:
    """One user, deactivated ones too."""
    user = call.world.users.get(call.needed("user"))
    if user is None:
        raise ApiError("user_not_found")
    shape = user_json(user, with_email=_with_email(call.world), with_locale=call.flag("include_locale"))
    return {"user": shape}


@method("users.list", "users:read")
def users_list(call: Call) -> Json:
    """All users: people, bots, Slackbot, deactivated ones, those of other teams not."""
    world = call.world
    ours = [u for u in world.users.values() if u.team_id == world.team.id]
    shown, cursor = page(ours, call, "user", default=len(ours) or 1)
    members = [user_json(u, with_email=_with_email(world), with_locale=call.flag("include_locale")) for u in shown]
    now = int(world.clock.now().timestamp())
    return {"members": members, "cache_ts": now, "response_metadata": more(cursor)}


@method("users.lookupByEmail", "users:read.email")
def users_lookup_by_email(call: Call) -> Json:
    """The active user with that address."""
    wanted = call.needed("email").lower()
    for user in call.world.users.values():
        if user.email and user.email.lower() == wanted and not user.deleted and not user.is_bot:
            return {"user": user_json(user, with_email=True)}
    raise ApiError("users_not_found")


@method("usergroups.list", "usergroups:read")
def usergroups_list(call: Call) -> Json:
    """All user groups; disabled ones on request."""
    groups = [g for g in call.world.groups.values() if not g.disabled_at or call.flag("include_disabled")]
    with_users, with_count = call.flag("include_users"), call.flag("include_count")
    return {"usergroups": [group_json(g, with_users=with_users, with_count=with_count) for g in groups]}


@method("usergroups.users.list", "usergroups:read")
def usergroups_users_list(call: Call) -> Json:
    """The ids of a user group's members."""
    group = call.world.groups.get(call.needed("usergroup"))
    if group is None or (group.disabled_at and not call.flag("include_disabled")):
        raise ApiError("no_such_subteam")
    return {"users": list(group.users)}


@method("team.info", "team:read")
def team_info(call: Call) -> Json:
    """The workspace."""
    team = call.world.team
    shape = {
        "id": team.id,
        "name": team.name,
        "url": team.url,
        "domain": team.domain,
        "email_domain": f"{team.domain}.example",
        "icon": {"image_default": True},
        "avatar_base_url": team.url,
        "is_verified": False,
    }
    return {"team": shape}


@method("bots.info", "users:read")
def bots_info(call: Call) -> Json:
    """The bot, by its B id."""
    if call.needed("bot") != call.world.app.bot_id:
        raise ApiError("bot_not_found")
    shape = bot_profile(call.world)
    del shape["team_id"]
    return {"bot": shape}
