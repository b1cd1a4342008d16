"""Teams, users and user groups, and how Slack describes them in its answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.workspace.shapes import Json

SLACKBOT = "USLACKBOT"


@dataclass
class Team:
    """A workspace: ours, or one that shares a channel with ours."""

    id: str
    name: str
    domain: str

    @property
    def url(self) -> str:
        return f"https://{self.domain}.slack.com/"


@dataclass
class User:
    """A person or a bot user. `is_restricted` is any guest, `is_ultra_restricted` a single-channel guest."""

    id: str
    team_id: str
    name: str
    real_name: str
    email: str | None = None
    title: str = ""
    tz: str = "Europe/Berlin"
    tz_label: str = "Central European Time"
    tz_offset: int = 3600
    is_bot: bool = False
    bot_id: str | None = None
    app_id: str | None = None
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_admin: bool = False
    is_stranger: bool = False
    updated: int = 1_790_000_000


@dataclass
class UserGroup:
    """A user group, mentioned as `@handle`."""

    id: str
    team_id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    created: int = 1_790_000_000
    disabled_at: int = 0


def profile(user: User, with_email: bool) -> Json:
    """The `profile` of a user object; the e-mail is silently absent without its scope, and bots have none."""
    first, _, last = user.real_name.partition(" ")
    shape: Json = {
        "title": user.title,
        "phone": "",
        "skype": "",
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.name,
        "display_name_normalized": user.name,
        "fields": None,
        "status_text": "",
        "status_emoji": "",
        "status_emoji_display_info": [],
        "status_expiration": 0,
        "avatar_hash": "g" + user.id.lower()[-11:],
        "first_name": first,
        "last_name": last,
        "status_text_canonical": "",
        "team": user.team_id,
    }
    if with_email and user.email and not user.is_bot:
        shape["email"] = user.email
    if user.is_bot:
        shape |= {"api_app_id": user.app_id, "bot_id": user.bot_id, "always_active": True}
    return shape


def user_json(user: User, *, with_email: bool, with_locale: bool = False) -> Json:
    """A user object as users.info and users.list return it."""
    shape: Json = {"id": user.id, "team_id": user.team_id, "name": user.name, "deleted": user.deleted}
    if not user.deleted:
        shape |= {
            "color": "9f69e7",
            "real_name": user.real_name,
            "tz": user.tz,
            "tz_label": user.tz_label,
            "tz_offset": user.tz_offset,
        }
    shape["profile"] = profile(user, with_email)
    shape |= {
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": user.updated,
        "is_email_confirmed": not user.is_bot,
        "who_can_share_contact_card": "EVERYONE",
    }
    if user.is_stranger:
        shape["is_stranger"] = True
    if with_locale and not user.is_stranger:
        shape["locale"] = "en-GB"
    return shape


def group_json(group: UserGroup, *, with_users: bool, with_count: bool) -> Json:
    """A user group as usergroups.list returns it."""
    shape: Json = {
        "id": group.id,
        "team_id": group.team_id,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": group.created,
        "date_update": group.created,
        "date_delete": group.disabled_at,
        "auto_type": None,
        "auto_provision": False,
        "enterprise_subteam_id": "",
        "created_by": SLACKBOT,
        "updated_by": SLACKBOT,
        "deleted_by": None,
        "prefs": {"channels": [], "groups": []},
    }
    if with_users:
        shape["users"] = list(group.users)
    if with_count:
        shape["user_count"] = len(group.users)
    return shape
