"""Turns what an app wants to say (text, blocks, attachments, metadata) into a message, or refuses as Slack does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.workspace.blockkit.completion import Completion
from bot.workspace.blockkit.reading import visible_text
from bot.workspace.blockkit.rules import Issue
from bot.workspace.blockkit.surfaces import MESSAGE_BLOCKS, message_issues
from bot.workspace.errors import ApiError
from bot.workspace.markup import stored
from bot.workspace.messages import NOTHING_TO_SHOW
from bot.workspace.shapes import Json, as_bool
from bot.workspace.world import World

POST_TEXT = 40_000
UPDATE_TEXT = 4_000
ATTACHMENTS = 100


@dataclass(frozen=True)
class Content:
    """What a message will hold. `brought_rich_text`: the app itself sent rich text, so an update must keep some."""

    text: str
    blocks: list[Json]
    attachments: list[Json]
    metadata: Json | None
    brought_rich_text: bool


def completion(world: World) -> Completion:
    """The completion of blocks that belongs to this world."""
    return Completion(world.mint.block_id, world.channel_ids())


def blocks_error(issues: Iterable[Issue]) -> ApiError:
    """`invalid_blocks` with both lists of reasons, as the chat methods answer it."""
    lines = [str(issue) for issue in issues]
    messages = [f"[ERROR] {line}" for line in lines]
    return ApiError("invalid_blocks", errors=lines, response_metadata={"messages": messages})


def parsed(value: Any, code: str) -> Any:
    """A JSON argument that may have arrived as JSON text; an unreadable one is refused with `code`."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        return json.loads(value)
    except ValueError:
        raise ApiError(code) from None


def checked_blocks(value: Any) -> list[Json] | None:
    """The blocks argument: None where absent, ApiError where Slack would refuse it."""
    blocks = parsed(value, "invalid_blocks_format")
    if blocks is None:
        return None
    if not isinstance(blocks, list):
        raise ApiError("invalid_blocks_format")
    if issues := message_issues(blocks):
        raise blocks_error(issues)
    return blocks


def checked_attachments(value: Any, *, code: str = "invalid_attachments") -> list[Json] | None:
    """The attachments argument: None where absent, ApiError where Slack would refuse it."""
    attachments = parsed(value, code)
    if attachments is None:
        return None
    if not isinstance(attachments, list) or not all(isinstance(each, dict) for each in attachments):
        raise ApiError(code)
    if len(attachments) > ATTACHMENTS:
        raise ApiError("too_many_attachments")
    for index, each in enumerate(attachments):
        if issues := message_issues(each.get("blocks") or [], f"/attachments/{index}/blocks"):
            raise blocks_error(issues)
    return [{"id": index + 1} | each for index, each in enumerate(attachments)]


def checked_metadata(value: Any) -> Json | None:
    """The metadata argument: None where absent, `{}` to remove it."""
    metadata = parsed(value, "invalid_metadata_format")
    if metadata is None:
        return None
    if metadata == {}:
        return {}
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str) or not metadata["event_type"]:
        raise ApiError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload", {}), dict):
        raise ApiError("invalid_metadata_schema")
    return {"event_type": metadata["event_type"], "event_payload": metadata.get("event_payload", {})}


def stored_text(world: World, text: str, args: Json, default_parse: str = "none") -> str:
    """The top-level text as kept: `@here` and `#name` become live only with `parse` or `link_names`."""
    parse = str(args.get("parse") or default_parse)
    names = as_bool(args.get("link_names")) or parse in {"full", "client"}
    explicit_none = args.get("parse") == "none"
    return stored(text, world.channel_ids() if names else None, links=not explicit_none)


def compose(world: World, args: Json, *, default_parse: str = "none") -> Content:
    """The content of a new message. Raises ApiError: no_text, invalid_blocks, too_many_attachments, ..."""
    blocks = checked_blocks(args.get("blocks"))
    attachments = checked_attachments(args.get("attachments")) or []
    text = args.get("text")
    markdown = args.get("markdown_text")
    if markdown and (text or blocks):
        raise ApiError("markdown_text_conflict")
    if markdown:
        blocks, text = [{"type": "markdown", "text": markdown}], markdown
    if not text and not blocks and not attachments:
        raise ApiError("no_text")
    return _content(world, args, (text, blocks, attachments), default_parse)


def _content(world: World, args: Json, parts: tuple[Any, list[Json] | None, list[Json]], default_parse: str) -> Content:
    text, blocks, attachments = parts
    done = completion(world)
    complete = done.blocks(blocks or [])
    if len(complete) > MESSAGE_BLOCKS:
        raise blocks_error([Issue(f"no more than {MESSAGE_BLOCKS} items allowed", "/blocks")])
    kept = stored_text(world, str(text)[:POST_TEXT], args, default_parse) if text else ""
    if not kept and complete:
        joined = " ".join(visible_text(complete, world.label).split())
        kept = NOTHING_TO_SHOW if text is None else stored(joined)
    if not complete and not attachments:
        complete = [done.rich_text(kept)]
    brought = any(block.get("type") == "rich_text" for block in blocks or [])
    attachments = [a | ({"blocks": done.blocks(a["blocks"])} if a.get("blocks") else {}) for a in attachments]
    return Content(kept, complete, attachments, checked_metadata(args.get("metadata")) or None, brought)
