"""The limits of the rich_text block: sections, lists, quotes, preformatted text and what may stand in them."""

from __future__ import annotations

from bot.workspace.blockkit.rules import ByType, Rule, Shape, anything, array, boolean, integer, one_of, string

STYLE = Shape(
    dict.fromkeys(("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"), boolean)
)


def _inline(fields: dict[str, Rule], *required: str) -> Shape:
    return Shape({"style": STYLE, **fields}, required)


TEXT = _inline({"text": string(least=1)}, "text")
LINK = _inline({"url": string(least=1), "text": string(), "unsafe": boolean}, "url")
INLINE: dict[str, Rule] = {
    "text": TEXT,
    "link": LINK,
    "emoji": _inline({"name": string(least=1), "unicode": string(), "skin_tone": integer(), "url": string()}, "name"),
    "user": _inline({"user_id": string(pattern="[UW][A-Z0-9]+")}, "user_id"),
    "usergroup": _inline({"usergroup_id": string(pattern="S[A-Z0-9]+")}, "usergroup_id"),
    "channel": _inline({"channel_id": string(pattern="[CDG][A-Z0-9]+")}, "channel_id"),
    "broadcast": _inline({"range": one_of("here", "channel", "everyone")}, "range"),
    "date": _inline(
        {"timestamp": integer(0), "format": string(least=1), "url": string(), "fallback": string()},
        "timestamp",
        "format",
    ),
    "color": _inline({"value": string()}, "value"),
    "team": _inline({"team_id": string()}, "team_id"),
}
SECTION = Shape({"elements": array(ByType(INLINE), 10_000, 0)}, ("elements",))
PREFORMATTED = Shape(
    {"elements": array(ByType({"text": TEXT, "link": LINK}), 10_000, 0), "border": integer(0, 1), "language": string()},
    ("elements",),
)
QUOTE = Shape({"elements": array(ByType(INLINE), 10_000, 0), "border": integer(0, 1)}, ("elements",))
LIST = Shape(
    {
        "elements": array(ByType({"rich_text_section": SECTION}), 10_000, 0),
        "style": one_of("bullet", "ordered"),
        "indent": integer(0, 8),
        "offset": integer(0),
        "border": integer(0, 1),
    },
    ("elements", "style"),
)
RICH_TEXT_PARTS = ByType(
    {
        "rich_text_section": SECTION,
        "rich_text_list": LIST,
        "rich_text_preformatted": PREFORMATTED,
        "rich_text_quote": QUOTE,
    }
)
RICH_TEXT = Shape({"block_id": anything, "elements": array(RICH_TEXT_PARTS, 10_000, 0)}, ("elements",))
