"""Reads blocks as a person does: the visible text, the buttons, the fields, and whom a message notifies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.workspace.blockkit.completion import elements_of
from bot.workspace.markup import Names, notified, unescape, visible
from bot.workspace.shapes import Json


@dataclass(frozen=True)
class Button:
    """A button (or a feedback or icon button) as a person sees it, with the element it stands for."""

    label: str
    action_id: str
    block_id: str
    value: str | None
    style: str | None
    element: Json

    @property
    def asks_first(self) -> bool:
        """Whether pressing it shows a confirmation dialogue."""
        return "confirm" in self.element


@dataclass(frozen=True)
class Field:
    """Anything else a person can fill in or choose from; `label` is the input block's label, else the placeholder."""

    label: str
    block_id: str
    action_id: str
    type: str
    optional: bool
    in_input_block: bool
    dispatches: bool
    """Whether changing it sends block_actions at once."""
    element: Json


def text_of(part: Json | None, names: Names) -> str:
    """What a reader sees of a text object."""
    if not part:
        return ""
    if part.get("type") == "mrkdwn":
        return visible(part.get("text", ""), names)
    return unescape(part.get("text", ""))


def buttons_in(blocks: list[Json]) -> list[Button]:
    """Every button of the blocks, in reading order."""
    return [_button(block, e) for block in blocks for e in elements_of(block) if e["type"] in {"button", "icon_button"}]


def _button(block: Json, element: Json) -> Button:
    label = unescape(element["text"]["text"])
    value, style = element.get("value"), element.get("style")
    return Button(label, element["action_id"], block["block_id"], value, style, element)


def fields_in(blocks: list[Json]) -> list[Field]:
    """Every element that holds a value, and overflow menus, in reading order."""
    found = []
    for block in blocks:
        for element in elements_of(block):
            if element["type"] in {"button", "icon_button", "image", "feedback_buttons"}:
                continue
            is_input = block["type"] == "input"
            label = text_of(block.get("label") if is_input else element.get("placeholder"), lambda i: i)
            dispatches = not is_input or bool(block.get("dispatch_action"))
            optional = not is_input or bool(block.get("optional"))
            ids = (block["block_id"], element["action_id"], element["type"])
            found.append(Field(label, *ids, optional, is_input, dispatches, element))
    return found


def visible_text(blocks: list[Json], names: Names) -> str:
    """All text a person can read in the blocks, a line per part."""
    return "\n".join(line for block in blocks for line in _block_lines(block, names) if line)


def _block_lines(block: Json, names: Names) -> Iterator[str]:
    kind = block["type"]
    if kind == "rich_text":
        for part in block["elements"]:
            yield _rich(part, names)
        return
    for key in ("title", "text", "label", "hint"):
        if isinstance(block.get(key), dict):
            yield text_of(block[key], names)
    for each in block.get("fields") or []:
        yield text_of(each, names)
    for each in block["elements"] if kind == "context" else []:
        yield each["alt_text"] if each["type"] == "image" else text_of(each, names)
    if kind == "image":
        yield block["alt_text"]
    for row in block["rows"] if kind == "table" else []:
        yield " | ".join(cell["text"] if cell["type"] == "raw_text" else _rich(cell, names) for cell in row)
    for element in elements_of(block):
        yield from _element_lines(element, names)


def _element_lines(element: Json, names: Names) -> Iterator[str]:
    for key in ("text", "placeholder"):
        if isinstance(element.get(key), dict):
            yield text_of(element[key], names)
    if element["type"] == "image":
        yield element["alt_text"]
    for key in ("initial_value", "initial_date", "initial_time"):
        if isinstance(element.get(key), str):
            yield element[key]
    groups = element.get("option_groups") or [{"options": element.get("options") or []}]
    for group in groups:
        yield text_of(group.get("label"), names)
        for option in group["options"]:
            yield text_of(option["text"], names)
            yield text_of(option.get("description"), names)


def _rich(part: Json, names: Names) -> str:
    kind = part["type"]
    if kind == "rich_text_list":
        return "\n".join(_rich(item, names) for item in part["elements"])
    if kind in {"rich_text", "rich_text_section", "rich_text_preformatted", "rich_text_quote"}:
        return "".join(_rich(item, names) for item in part["elements"])
    shown: dict[str, Callable[[], object]] = {
        "text": lambda: part["text"],
        "link": lambda: part.get("text") or part["url"],
        "emoji": lambda: f":{part['name']}:",
        "user": lambda: names(part["user_id"]),
        "usergroup": lambda: names(part["usergroup_id"]),
        "channel": lambda: names(part["channel_id"]),
        "broadcast": lambda: "@" + part["range"],
        "date": lambda: part.get("fallback") or str(part["timestamp"]),
        "color": lambda: part["value"],
        "team": lambda: part["team_id"],
    }
    return str(shown[kind]())


def mentioned_in(blocks: list[Json]) -> set[str]:
    """The ids of users and groups the blocks notify, and `here`, `channel`, `everyone`: mrkdwn and rich text only."""
    found: set[str] = set()
    for part in _every_object(blocks):
        if part.get("type") == "mrkdwn":
            found |= notified(part.get("text", ""))
        elif part.get("type") in {"user", "usergroup"} and isinstance(part.get(f"{part['type']}_id"), str):
            found.add(part[f"{part['type']}_id"])
        elif part.get("type") == "broadcast":
            found.add(part["range"])
    return found


def _every_object(value: object) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _every_object(each)
    elif isinstance(value, list):
        for each in value:
            yield from _every_object(each)
