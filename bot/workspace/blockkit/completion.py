"""Completes blocks as Slack's server does when it stores them: ids, defaults, escaped text, expanded markdown."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.workspace.markup import as_rich_text, escape, stored
from bot.workspace.shapes import Json

_HEADING = re.compile(r"#{1,6}\s+(.*)")
_RULE = re.compile(r"(?:-{3,}|\*{3,}|_{3,})\s*")


@dataclass(frozen=True)
class Completion:
    """What completing needs: fresh ids, and the ids that `#name` stands for in texts that are parsed automatically."""

    fresh_id: Callable[[], str]
    channel_ids: dict[str, str]

    def blocks(self, blocks: list[Json]) -> list[Json]:
        """New blocks as Slack keeps them; the given ones are left alone."""
        out = []
        for block in expand_markdown(copy.deepcopy(blocks)):
            block.setdefault("block_id", self.fresh_id())
            if not block["block_id"]:
                block["block_id"] = self.fresh_id()
            if block["type"] != "rich_text":
                self._walk(block)
            if block["type"] == "input":
                block.setdefault("optional", False)
                block.setdefault("dispatch_action", False)
            for element in elements_of(block):
                if needs_action_id(element):
                    element.setdefault("action_id", self.fresh_id())
                if element.get("type") == "plain_text_input":
                    element.setdefault("dispatch_action_config", {"trigger_actions_on": ["on_enter_pressed"]})
            out.append(block)
        return out

    def text_object(self, value: Json | None) -> Json | None:
        """One text object, completed; None stays None."""
        if value is None:
            return None
        value = copy.deepcopy(value)
        self._walk(value)
        return value

    def _walk(self, value: Any) -> None:
        if isinstance(value, list):
            for each in value:
                self._walk(each)
        elif isinstance(value, dict):
            self._text(value)
            for key, each in list(value.items()):
                if each is None:
                    del value[key]
                elif key != "initial_value":
                    self._walk(each)

    def _text(self, value: Json) -> None:
        if value.get("type") == "plain_text":
            value.setdefault("emoji", True)
            value["text"] = escape(value["text"])
        elif value.get("type") == "mrkdwn":
            value.setdefault("verbatim", False)
            parse = not value["verbatim"]
            value["text"] = stored(value["text"], self.channel_ids if parse else None, links=parse)

    def rich_text(self, text: str) -> Json:
        """The one block of a message that is only text."""
        section = {"type": "rich_text_section", "elements": as_rich_text(text)}
        return {"type": "rich_text", "block_id": self.fresh_id(), "elements": [section]}


def elements_of(block: Json) -> list[Json]:
    """The elements of a block that a person can act on."""
    if block["type"] in {"actions", "context_actions"}:
        return list(block.get("elements") or [])
    if block["type"] == "section" and block.get("accessory"):
        return [block["accessory"]]
    return [block["element"]] if block["type"] == "input" else []


def needs_action_id(element: Json) -> bool:
    """Whether Slack gives the element an id where it has none: all but images."""
    return element.get("type") != "image"


def expand_markdown(blocks: list[Json]) -> list[Json]:
    """Markdown blocks become headings, dividers and rich text; every other block stays."""
    out: list[Json] = []
    for block in blocks:
        out += _markdown_blocks(block["text"]) if block.get("type") == "markdown" else [block]
    return out


def _markdown_blocks(text: str) -> list[Json]:
    out: list[Json] = []
    paragraph: list[str] = []

    def close() -> None:
        body = "\n".join(paragraph).strip("\n")
        paragraph.clear()
        if body:
            section = {"type": "rich_text_section", "elements": [{"type": "text", "text": body}]}
            out.append({"type": "rich_text", "elements": [section]})

    for line in text.splitlines():
        heading = _HEADING.fullmatch(line)
        if heading:
            close()
            out.append({"type": "header", "text": {"type": "plain_text", "text": heading[1][:150] or " "}})
        elif _RULE.fullmatch(line):
            close()
            out.append({"type": "divider"})
        else:
            paragraph.append(line)
    close()
    return out
