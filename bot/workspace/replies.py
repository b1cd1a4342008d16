"""What an answer of the app makes people see: to a slash command, a submission, a click, or through a response_url."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bot.workspace.attempts import TIMEOUT, Reply
from bot.workspace.composing import Content, compose
from bot.workspace.errors import ApiError
from bot.workspace.installation import ResponseUrl
from bot.workspace.messages import StoredMessage
from bot.workspace.modals import StoredView
from bot.workspace.posting import announce, announce_deletion, bot_message
from bot.workspace.shapes import Json, as_bool
from bot.workspace.view_changes import checked_view, clear_stack, fill_view, push_view, remove_view
from bot.workspace.world import World

URL_USES = 5
URL_LIFE = timedelta(minutes=30)


def accepted(world: World, user: str, reply: Reply, about: str) -> bool:
    """Whether the app answered 200 in time; if not, the person is shown an error."""
    if reply.status == 200:
        return True
    code = TIMEOUT if reply.error == TIMEOUT else "dispatch_failed"
    world.show_error(user, code, about)
    return False


def say(world: World, user: str, channel_id: str, content: Content, args: Json) -> StoredMessage:
    """Show the app's words to one person, or to the channel where `response_type` is in_channel."""
    channel = world.channels[channel_id]
    message = bot_message(world, channel, content, args.get("thread_ts"))
    if args.get("response_type") == "in_channel":
        world.add_message(channel, message)
        announce(world, channel, message)
    else:
        message.ephemeral_for = user
        world.add_ephemeral(message)
    return message


def slash_answer(world: World, payload: Json, reply: Reply) -> StoredMessage | None:
    """What the answer to a slash command shows: nothing, private text, or a message."""
    user, channel, about = payload["user_id"], payload["channel_id"], payload["command"]
    if not accepted(world, user, reply, about) or not reply.text.strip():
        return None
    if reply.content_type != "application/json":
        return say(world, user, channel, compose(world, {"text": reply.text}), {})
    answer = reply.json()
    if not isinstance(answer, dict):
        world.problem(f"the answer to {about} is not a JSON object: {reply.text[:200]}")
        return None
    if set(answer) == {"response_type"}:
        return None
    try:
        return say(world, user, channel, compose(world, answer), answer)
    except ApiError as error:
        world.problem(f"the answer to {about} cannot be shown ({error.code}): {reply.text[:200]}")
        world.show_error(user, "dispatch_failed", about)
        return None


def plain_answer(world: World, user: str, reply: Reply, about: str) -> bool:
    """Take the answer to a click, a shortcut or a closed view: its body is ignored, and flagged."""
    if not accepted(world, user, reply, about):
        return False
    if reply.text.strip():
        world.problem(f"Slack ignores a body in the answer to {about}: {reply.text[:200]}")
    return True


def submission_answer(world: World, view: StoredView, reply: Reply) -> bool:
    """What the answer to a submission does to the modal; False if the person sees a connection error instead."""
    about = f"the submission of {view.callback_id or view.id}"
    if not accepted(world, view.user, reply, about):
        return False
    if not reply.text.strip():
        remove_view(world, view)
        return True
    answer = reply.json() if reply.content_type == "application/json" else None
    act = answer.get("response_action") if isinstance(answer, dict) else None
    effect = _EFFECTS.get(str(act))
    try:
        if effect is None or not isinstance(answer, dict):
            raise ApiError("unknown response_action")
        effect(world, view, answer)
    except ApiError as error:
        details = error.extra.get("response_metadata", {}).get("messages", "")
        world.problem(f"the answer to {about} is refused ({error.code} {details}): {reply.text[:200]}")
        world.show_error(view.user, "dispatch_failed", about)
        return False
    return True


def _errors(world: World, view: StoredView, answer: Json) -> None:
    errors = answer.get("errors")
    if not isinstance(errors, dict) or not errors:
        raise ApiError("errors without any")
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if unknown := sorted(set(errors) - inputs):
        raise ApiError(f"errors for blocks that are no inputs of the view: {', '.join(unknown)}")
    view.errors = {key: str(text) for key, text in errors.items()}
    world.touch(view)


def _update(world: World, view: StoredView, answer: Json) -> None:
    fill_view(world, view, checked_view(answer.get("view"), "modal"))


def _push(world: World, view: StoredView, answer: Json) -> None:
    push_view(world, view.user, checked_view(answer.get("view"), "modal"))


def _clear(world: World, view: StoredView, _answer: Json) -> None:
    clear_stack(world, view.user)


_EFFECTS: dict[str, Callable[[World, StoredView, Json], None]] = {
    "errors": _errors,
    "update": _update,
    "push": _push,
    "clear": _clear,
}


def use_response_url(world: World, path: str, body: Any, *, replace_by_default: bool = False) -> tuple[int, str]:
    """The status and text that a POST to a response_url gets; a refused one is a problem, for clients rarely look."""
    hook = world.response_urls.get(path)
    if hook is None:
        status, answer = 404, "no_service"
    elif world.clock.now() - hook.at > URL_LIFE:
        status, answer = 404, "expired_url"
    elif hook.uses >= URL_USES:
        status, answer = 404, "used_url"
    elif not isinstance(body, dict):
        status, answer = 400, "invalid_payload"
    else:
        status, answer = _respond(world, hook, body, replace_by_default)
    if hook is not None:
        hook.uses += 1
        hook.answers.append((status, answer))
    if status != 200:
        world.problem(f"a response_url was refused: {answer}")
    return status, answer


def _respond(world: World, hook: ResponseUrl, body: Json, replace_by_default: bool) -> tuple[int, str]:
    replace = as_bool(body.get("replace_original", replace_by_default)) and hook.message_ts is not None
    delete = as_bool(body.get("delete_original")) and hook.message_ts is not None
    empty = not any(body.get(key) for key in ("text", "blocks", "attachments"))
    try:
        content = None if delete and empty else compose(world, body)
    except ApiError as error:
        return (400 if error.code.startswith("invalid") else 500), error.code
    if delete:
        _delete_original(world, hook)
    if replace and content is not None:
        return _replace_original(world, hook, content)
    if content is not None:
        say(world, hook.user, hook.channel, content, body)
    return 200, "ok"


def _original(world: World, hook: ResponseUrl) -> StoredMessage | None:
    if hook.ephemeral:
        return next((m for m in world.ephemerals if m.ts == hook.message_ts and m.channel == hook.channel), None)
    return world.channels[hook.channel].messages.get(hook.message_ts or "")


def _delete_original(world: World, hook: ResponseUrl) -> None:
    message = _original(world, hook)
    if message is None:
        return
    if hook.ephemeral:
        world.ephemerals.remove(message)
    else:
        channel = world.channels[hook.channel]
        channel.remove(message)
        announce_deletion(world, channel, message)
    world.changes.happened()


def _replace_original(world: World, hook: ResponseUrl, content: Content) -> tuple[int, str]:
    message = _original(world, hook)
    if message is None:
        return 404, "message_not_found"
    if message.brought_rich_text and not content.brought_rich_text:
        return 400, "block_mismatch"
    message.text, message.blocks, message.attachments = content.text, content.blocks, content.attachments
    message.brought_rich_text = content.brought_rich_text
    world.touch(message)
    return 200, "ok"
