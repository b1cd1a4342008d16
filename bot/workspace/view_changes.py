"""Opens, replaces, pushes and closes views: shared by the views methods and by the answers to a submission."""

from __future__ import annotations

from typing import Any

from bot.workspace.blockkit.entering import first_values
from bot.workspace.blockkit.reading import fields_in
from bot.workspace.blockkit.surfaces import view_issues, view_too_large
from bot.workspace.composing import completion, parsed
from bot.workspace.errors import ApiError
from bot.workspace.markup import escape
from bot.workspace.modals import STACK_LIMIT, StoredView
from bot.workspace.shapes import Json
from bot.workspace.world import TRIGGER_LIFE, World


def invalid(*lines: str) -> ApiError:
    """`invalid_arguments` with its reasons, as the views methods answer it."""
    return ApiError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {line}" for line in lines]})


def checked_view(value: Any, kind: str | None = None) -> Json:
    """The view argument, refused where Slack would; `kind` demands `modal` or `home`."""
    view = parsed(value, "invalid_arguments")
    if view is None:
        raise invalid("missing required field: view")
    if view_too_large(view):
        raise ApiError("view_too_large")
    if issues := view_issues(view):
        raise invalid(*map(str, issues))
    if kind and view["type"] != kind:
        raise invalid(f"must be a valid enum value: {kind} [json-pointer:/view/type]")
    assert isinstance(view, dict)
    return view


def _external_id_is_free(world: World, external_id: str, but: StoredView | None) -> None:
    for view in world.all_views():
        if external_id and view is not but and view.external_id == external_id:
            raise ApiError("duplicate_external_id")


def fill_view(world: World, view: StoredView, wanted: Json) -> None:
    """Give a stored view new content and a new hash; typed values survive where block_id and action_id stay."""
    _external_id_is_free(world, wanted.get("external_id") or "", view)
    done = completion(world)
    view.blocks = done.blocks(wanted["blocks"])
    view.title = done.text_object(wanted.get("title"))
    view.submit = done.text_object(wanted.get("submit"))
    view.close = done.text_object(wanted.get("close"))
    view.private_metadata = wanted.get("private_metadata") or ""
    view.callback_id = escape(wanted.get("callback_id") or "")
    view.external_id = wanted.get("external_id") or ""
    view.clear_on_close = bool(wanted.get("clear_on_close"))
    view.notify_on_close = bool(wanted.get("notify_on_close"))
    view.hash = world.mint.view_hash(world.clock.now())
    view.values = first_values(fields_in(view.blocks), view.values)
    view.errors = {}
    world.touch(view)


def _new_view(world: World, user: str, wanted: Json) -> StoredView:
    app = world.app
    view = StoredView(world.mint.id("V0"), user, world.team.id, app.app_id, app.bot_id, wanted["type"], "", [])
    view.root_view_id = view.id
    _external_id_is_free(world, wanted.get("external_id") or "", None)
    fill_view(world, view, wanted)
    return view


def use_trigger(world: World, trigger_id: Any) -> tuple[str, str | None]:
    """Spend a trigger: its user and the modal it came from. Raises ApiError for a bad, old or spent one."""
    trigger = world.triggers.get(str(trigger_id))
    if trigger is None:
        raise ApiError("invalid_trigger_id")
    if trigger.used:
        raise ApiError("exchanged_trigger_id")
    if world.clock.now() - trigger.at > TRIGGER_LIFE:
        raise ApiError("expired_trigger_id")
    trigger.used = True
    return trigger.user, trigger.view_id


def open_view(world: World, user: str, wanted: Json) -> StoredView:
    """Show a modal as the person's first one; whatever they had open is gone."""
    view = _new_view(world, user, wanted)
    world.stack(user).views = [view]
    world.changes.happened()
    return view


def push_view(world: World, user: str, wanted: Json) -> StoredView:
    """Put a modal on top of the person's stack. Raises push_limit_reached or not_found."""
    stack = world.stack(user)
    if stack.top is None:
        raise ApiError("not_found")
    if len(stack.views) >= STACK_LIMIT:
        raise ApiError("push_limit_reached")
    below = stack.top
    view = _new_view(world, user, wanted)
    view.root_view_id = stack.views[0].id
    view.previous_view_id = below.id
    stack.views.append(view)
    world.changes.happened()
    return view


def publish_home(world: World, user: str, wanted: Json) -> StoredView:
    """Show a person's App Home; publishing again keeps the view's id."""
    home = world.homes.get(user)
    if home is None:
        home = world.homes[user] = _new_view(world, user, wanted)
    else:
        fill_view(world, home, wanted)
    return home


def remove_view(world: World, view: StoredView) -> None:
    """Take a modal off its stack, wherever it is in it."""
    stack = world.stack(view.user)
    if view in stack.views:
        stack.views.remove(view)
        world.changes.happened()


def clear_stack(world: World, user: str) -> None:
    """Close all modals of a person."""
    if world.stack(user).views:
        world.stack(user).views = []
        world.changes.happened()
