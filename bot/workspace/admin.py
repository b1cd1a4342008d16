"""What an administrator does to the workspace, with the events that tell the app about it."""

from __future__ import annotations

from collections.abc import Iterable

from bot.workspace.channels import Channel
from bot.workspace.people import User, UserGroup, user_json
from bot.workspace.shapes import Json
from bot.workspace.world import World


class Admin:
    """Changes people, user groups, channels and the installation."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _now(self) -> int:
        return int(self.world.clock.now().timestamp())

    def _tell(self, event: Json, channel: Channel | None = None) -> None:
        self.world.changes.happened()
        self.world.on_event(event, channel)

    def deactivate(self, name: str) -> None:
        """Deactivate an account: the person can do nothing more, and falls out of all user groups."""
        user = self.world.user_named(name)
        user.deleted = True
        self._user_changed(user)
        for group in self.world.groups.values():
            if user.id in group.users:
                self._members(group, [u for u in group.users if u != user.id])

    def reactivate(self, name: str) -> None:
        user = self.world.user_named(name)
        user.deleted = False
        self._user_changed(user)

    def make_guest(self, name: str, *, single_channel: bool = False) -> None:
        """Turn a member into a guest."""
        user = self.world.user_named(name)
        user.is_restricted, user.is_ultra_restricted = True, single_channel
        self._user_changed(user)

    def set_email(self, name: str, email: str) -> None:
        user = self.world.user_named(name)
        user.email = email
        self._user_changed(user)

    def _user_changed(self, user: User) -> None:
        user.updated = self._now()
        with_email = "users:read.email" in self.world.app.scopes
        self._tell({"type": "user_change", "user": user_json(user, with_email=with_email), "cache_ts": self._now()})

    def set_group(self, handle: str, names: Iterable[str]) -> None:
        """Give a user group exactly these members."""
        self._members(self.world.group_named(handle), [self.world.user_named(name).id for name in names])

    def _members(self, group: UserGroup, users: list[str]) -> None:
        added = [u for u in users if u not in group.users]
        removed = [u for u in group.users if u not in users]
        group.users = users
        event: Json = {"type": "subteam_members_changed", "subteam_id": group.id, "team_id": group.team_id}
        event |= {"date_previous_update": group.created, "date_update": self._now()}
        event |= {"added_users": added, "added_users_count": len(added)}
        self._tell(event | {"removed_users": removed, "removed_users_count": len(removed)})

    def disable_group(self, handle: str) -> None:
        """Disable a user group: it is in no list any more."""
        self.world.group_named(handle).disabled_at = self._now()
        self.world.changes.happened()

    def renumber_channel(self, name: str) -> str:
        """Give a channel another id, as happens when it begins to be shared; its new id."""
        channel = self.world.channel_named(name)
        old, new = channel.id, self.world.mint.id("C0")
        del self.world.channels[old]
        channel.id = new
        for message in channel.messages.values():
            message.channel = new
        self.world.channels[new] = channel
        self._tell({"type": "channel_id_changed", "old_channel_id": old, "new_channel_id": new}, channel)
        return new

    def uninstall(self) -> None:
        """Remove the app: its tokens are dead from now on."""
        app = self.world.app
        app.revoked = "account_inactive"
        self._tell({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [app.bot_user]}})
        self._tell({"type": "app_uninstalled"})
