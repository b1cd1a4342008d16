"""The views methods and blocks.validate."""

from __future__ import annotations

from bot.workspace.blockkit.surfaces import message_issues, view_issues
from bot.workspace.composing import parsed
from bot.workspace.errors import ApiError
from bot.workspace.methods.registry import Call, method
from bot.workspace.modals import StoredView, view_json
from bot.workspace.shapes import Json
from bot.workspace.view_changes import checked_view, fill_view, invalid, open_view, publish_home, push_view, use_trigger


def _hash_matches(call: Call, view: StoredView | None) -> None:
    if view and call.text("hash") and call.text("hash") != view.hash:
        raise ApiError("hash_conflict")


@method("views.open")
def open_(call: Call) -> Json:
    """Open a modal for the person whose trigger this is."""
    wanted = checked_view(call.args.get("view"), "modal")
    trigger_id = call.text("trigger_id") or call.needed("interactivity_pointer")
    user, _ = use_trigger(call.world, trigger_id)
    return {"view": view_json(open_view(call.world, user, wanted))}


@method("views.push")
def push(call: Call) -> Json:
    """Put a modal on top of the one that the trigger came from."""
    wanted = checked_view(call.args.get("view"))
    if wanted["type"] != "modal":
        raise invalid("must match the `type` of the root view whose stack we're pushing onto [json-pointer:/view/type]")
    user, view_id = use_trigger(call.world, call.text("trigger_id") or call.needed("interactivity_pointer"))
    if view_id is None:
        raise ApiError("not_found")
    return {"view": view_json(push_view(call.world, user, wanted))}


@method("views.update")
def update(call: Call) -> Json:
    """Replace a view, found by its id or external_id."""
    wanted = checked_view(call.args.get("view"))
    view_id, external_id = call.text("view_id"), call.text("external_id")
    if view_id and external_id:
        raise invalid("Cannot provide both `view_id` and `external_id`")
    if not view_id and not external_id:
        raise invalid("missing required field: view_id")
    for view in call.world.all_views():
        if (view_id and view.id == view_id) or (external_id and view.external_id == external_id):
            _hash_matches(call, view)
            fill_view(call.world, view, wanted)
            return {"view": view_json(view)}
    raise ApiError("not_found")


@method("views.publish")
def publish(call: Call) -> Json:
    """Show a person's App Home."""
    user = call.world.users.get(call.text("user_id"))
    wanted = checked_view(call.args.get("view"), "home")
    if user is None or user.is_bot:
        raise invalid("invalid `user_id`")
    if not call.world.app.home_tab:
        raise ApiError("not_enabled")
    _hash_matches(call, call.world.homes.get(user.id))
    return {"view": view_json(publish_home(call.world, user.id, wanted))}


@method("blocks.validate", caller="anyone")
def validate(call: Call) -> Json:
    """Say what is wrong with blocks, a view or a message, without doing anything."""
    given = [name for name in ("blocks", "view", "message") if call.args.get(name)]
    if len(given) != 1:
        line = "must provide exactly one of `blocks`, `view`, or `message`"
        raise ApiError("invalid_arguments", response_metadata={"messages": [line]})
    name = given[0]
    value = parsed(call.args[name], f"invalid_{name}")
    if name == "view":
        issues = view_issues(value, "")
    elif name == "message":
        issues = message_issues(value.get("blocks") or [] if isinstance(value, dict) else value)
    else:
        issues = message_issues(value, "")
    if issues:
        errors = [{"code": "failed_constraint", "message": issue.text, "pointer": issue.at} for issue in issues]
        raise ApiError(f"invalid_{name}", errors=errors)
    return {}
