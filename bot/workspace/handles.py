"""What a person sees, as snapshots to read and act on: messages, views, channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.workspace.blockkit.entering import shown
from bot.workspace.blockkit.reading import Button, Field, buttons_in, fields_in, mentioned_in, text_of, visible_text
from bot.workspace.channels import Channel
from bot.workspace.errors import Gone
from bot.workspace.markup import notified, unescape, visible
from bot.workspace.messages import StoredMessage
from bot.workspace.modals import StoredView, Values
from bot.workspace.shapes import Json
from bot.workspace.world import World


def pick_button(buttons: Sequence[Button], wanted: str, block: str | None = None) -> Button:
    """The button with that label or action_id, in the block with that block_id if one is named; Gone names those
    there are."""
    for button in buttons:
        if wanted in (button.label, button.action_id) and block in (None, button.block_id):
            return button
    raise Gone("button", wanted, [button.label for button in buttons])


@dataclass(frozen=True)
class Row:
    """Buttons that stand together, and what stands above them, back to the row or the line across before."""

    text: str
    buttons: list[Button]


def rows_of(shown: Message | View) -> list[Row]:
    """The rows of buttons, from the top."""
    rows: list[Row] = []
    above: list[Json] = []
    for block in shown.blocks:
        above = [] if block["type"] == "divider" else [*above, block]
        if buttons := buttons_in([block]):
            rows.append(Row(visible_text(above, shown.world.label), buttons))
            above = []
    return rows


def buttons_below(shown: Message | View, words: str) -> list[Button]:
    """The buttons of the rows that have these words above them."""
    return [button for row in rows_of(shown) if words in row.text for button in row.buttons]


def pick_field(fields: Sequence[Field], wanted: str, block: str | None = None) -> Field:
    """The field with that label, block_id or action_id, in the block with that block_id if one is named; Gone names
    those there are."""
    for field in fields:
        if wanted in (field.label, field.block_id, field.action_id) and block in (None, field.block_id):
            return field
    raise Gone("field", wanted, [field.label or field.action_id for field in fields])


@dataclass(frozen=True, eq=False)
class Message:
    """A message as it was when this snapshot was taken. `text` is the fallback, still with entities and markup."""

    world: World
    stored: StoredMessage
    text: str
    blocks: list[Json]
    attachments: list[Json]
    metadata: Json | None
    edited: Json | None
    changed: int

    @classmethod
    def of(cls, world: World, stored: StoredMessage) -> Message:
        """A snapshot of a message as it is now."""
        parts = (stored.text, stored.blocks, stored.attachments, stored.metadata, stored.edited, stored.changed)
        return cls(world, stored, *parts)

    @property
    def ts(self) -> str:
        return self.stored.ts

    @property
    def channel_id(self) -> str:
        return self.stored.channel

    @property
    def channel(self) -> str:
        """The channel's name with `#`; `#directmessage` for a direct message."""
        return self.world.label(self.stored.channel)

    @property
    def author(self) -> str:
        """The author's handle; `signoff` for the bot."""
        return self.world.users[self.stored.author].name

    @property
    def thread_ts(self) -> str | None:
        return self.stored.thread_ts

    @property
    def ephemeral(self) -> bool:
        return self.stored.ephemeral_for is not None

    @property
    def buttons(self) -> list[Button]:
        return buttons_in(self.blocks)

    @property
    def fields(self) -> list[Field]:
        """Selects, menus, pickers and inputs."""
        return fields_in(self.blocks)

    @property
    def labels(self) -> list[str]:
        """The labels of the buttons."""
        return [button.label for button in self.buttons]

    @property
    def files(self) -> list[Json]:
        return self.stored.files

    @property
    def thread(self) -> list[Message]:
        """The replies there are now, oldest first."""
        channel = self.world.channels[self.channel_id]
        return [Message.of(self.world, m) for m in channel.replies(self.thread_ts or self.ts)]

    @property
    def mentions(self) -> set[str]:
        """Whom it notifies: `@maria`, `@finance`, `@here`, from text and blocks."""
        found = mentioned_in(self.blocks) | notified(self.text)
        return {"@" + i if i in {"here", "channel", "everyone"} else self.world.label(i) for i in found}

    def now(self) -> Message | None:
        """The same message as it is now; None if it is gone."""
        held = self.world.channels[self.channel_id].messages.get(self.ts)
        if self.ephemeral:
            held = self.stored if self.stored in self.world.ephemerals else None
        return Message.of(self.world, held) if held else None

    def plain(self) -> str:
        """All text a person reads: the blocks (else the text), attachments, and button labels."""
        shown_ = visible_text(self.blocks, self.world.label)
        more = [visible_text(each.get("blocks") or [], self.world.label) for each in self.attachments]
        more += [str(each.get("text") or each.get("fallback") or "") for each in self.attachments]
        return "\n".join(part for part in [shown_ or visible(self.text, self.world.label), *more] if part)


@dataclass(frozen=True, eq=False)
class View:
    """A modal or App Home as it was when this snapshot was taken."""

    world: World
    stored: StoredView
    blocks: list[Json]
    hash: str
    values: Values
    errors: dict[str, str]

    @classmethod
    def of(cls, world: World, stored: StoredView) -> View:
        """A snapshot of a view as it is now."""
        return cls(world, stored, stored.blocks, stored.hash, stored.values, stored.errors)

    @property
    def id(self) -> str:
        return self.stored.id

    @property
    def type(self) -> str:
        return self.stored.type

    @property
    def callback_id(self) -> str:
        return self.stored.callback_id

    @property
    def private_metadata(self) -> str:
        return self.stored.private_metadata

    @property
    def title(self) -> str:
        return text_of(self.stored.title, self.world.label)

    @property
    def submit_label(self) -> str | None:
        """The label of the submit button; None where there is none."""
        return text_of(self.stored.submit, self.world.label) if self.stored.submit else None

    @property
    def close_label(self) -> str | None:
        """The label of the button that closes it; None where Slack writes its own."""
        return text_of(self.stored.close, self.world.label) if self.stored.close else None

    @property
    def buttons(self) -> list[Button]:
        return buttons_in(self.blocks)

    @property
    def labels(self) -> list[str]:
        return [button.label for button in self.buttons]

    @property
    def fields(self) -> list[Field]:
        return fields_in(self.blocks)

    def entered(self, field: str) -> str:
        """What stands in a field, found by its label, block_id or action_id."""
        found = pick_field(self.fields, field)
        return shown(self.values[found.block_id][found.action_id])

    def now(self) -> View | None:
        """The same view as it is now; None if it is closed."""
        return View.of(self.world, self.stored) if self.world.view_with_id(self.id) else None

    def plain(self) -> str:
        """All text a person reads: title, blocks, what is entered, errors, the submit button."""
        held = [shown(value) for block in self.values.values() for value in block.values()]
        parts = [self.title, visible_text(self.blocks, self.world.label), *held, *self.errors.values()]
        return "\n".join(part for part in [*parts, self.submit_label or ""] if part)


class ChannelWindow:
    """A channel as tests look at it and change it."""

    def __init__(self, world: World, channel: Channel) -> None:
        self.world = world
        self.state = channel

    @property
    def id(self) -> str:
        return self.state.id

    @property
    def name(self) -> str:
        return self.state.name

    @property
    def messages(self) -> list[Message]:
        """What stands in the channel itself, oldest first; replies are in their threads."""
        held = self.state.messages.values()
        return [Message.of(self.world, m) for m in held if not m.is_reply or m.broadcast]

    @property
    def everything(self) -> list[Message]:
        """All messages, replies too, oldest first."""
        return [Message.of(self.world, m) for m in self.state.messages.values()]

    @property
    def last(self) -> Message | None:
        return self.messages[-1] if self.messages else None

    def saying(self, text: str) -> list[Message]:
        """The messages and replies in which a person reads that text, oldest first."""
        return [m for m in self.everything if text in m.plain() or text in unescape(m.text)]

    @property
    def members(self) -> list[str]:
        return [self.world.users[i].name for i in self.state.members]

    def invite(self, name: str) -> None:
        """Make someone (also `signoff`, the bot) a member; someone of another team makes it a shared channel."""
        self.world.join(self.state, self.world.user_named(name))

    def remove(self, name: str) -> None:
        """End someone's membership."""
        self.world.leave(self.state, self.world.user_named(name))

    def archive(self, archived: bool = True) -> None:
        """Archive the channel, or bring it back."""
        self.state.is_archived = archived
        self.world.changes.happened()
        kind = ("channel" if not self.state.is_private else "group") + ("_archive" if archived else "_unarchive")
        self.world.on_event({"type": kind, "channel": self.id, "user": self.state.creator}, self.state)
