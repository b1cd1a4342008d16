"""`signoff check` and `signoff webhooks`: what is wrong with a webhook before the start, how it stands afterwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from storage import outbox, webhooks
from storage.database import Database
from storage.tx import Tx
from storage.types import DeliveryStatus
from tests.cli.conftest import Shell
from tests.webhooks.receiver import SECRET

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TABLE = '[[webhook]]\nname = "{name}"\nurl = "{url}"\nsecret_env = "CRM_SECRET"\n{more}\n'


def table(name: str = "crm", url: str = "http://127.0.0.1:9/hook/hidden", more: str = "allow_private = true") -> str:
    return TABLE.format(name=name, url=url, more=more)


async def test_check_names_a_missing_secret_and_shows_none(shell: Shell) -> None:
    """The variable, which webhook needs it, and how to make a secret; the server does not start without it."""
    shell.policy(more=table())
    checked = await shell.run("check")
    assert checked.code == 2
    assert "CRM_SECRET is not set, and the webhook crm is signed with it" in checked.said
    assert "openssl rand -base64 32" in checked.said
    shell.set(CRM_SECRET="hunter2hunter2")
    checked = await shell.run("check")
    assert "CRM_SECRET holds no secret that begins with whsec_" in checked.said
    assert "hunter2" not in checked.said


async def test_check_looks_where_an_address_leads(shell: Shell) -> None:
    """Inside, where that is not allowed, is a fault; nothing is sent, and no address is shown whole."""
    shell.set(CRM_SECRET=SECRET)
    inside = table("inner", "https://localhost:9/hook/hidden", "")
    shell.policy(more=table() + inside + table("keys", "https://169.254.169.254/hidden"))
    checked = await shell.run("check")
    assert checked.code == 2
    assert "crm: events go to 127.0.0.1, signed" in checked.said
    assert "Nothing would be sent to the webhook inner: " in checked.said
    assert "which localhost means, is this machine" in checked.said
    assert "add allow_private = true to its [[webhook]]" in checked.said
    assert "webhook keys: 169.254.169.254 is link-local" in checked.said
    assert "hidden" not in checked.said


@pytest.fixture
async def told(shell: Shell) -> Shell:
    """A store with events of two webhooks, of which one left the file."""
    shell.policy(more=table())

    def write(tx: Tx) -> None:
        for name, seq in (("crm", 1), ("crm", 2), ("crm", 3), ("gone", 4)):
            webhooks.add(tx, name, seq, f"R{seq}", NOW)
        for key, values in (
            (webhooks.key_of("crm", 1), {"status": DeliveryStatus.DONE}),
            (webhooks.key_of("crm", 2), {"status": DeliveryStatus.DEAD, "error": "the receiver answered 410"}),
            (webhooks.key_of("crm", 3), {"status": DeliveryStatus.DUE, "error": "the receiver answered 500"}),
        ):
            row = outbox.get(tx, key)
            assert row is not None
            outbox.lease(tx, row, "B1", NOW)
            row = outbox.get(tx, key)
            assert row is not None
            outbox.settle(tx, row, "B1", NOW, **values)

    async with Database(f"sqlite:///{shell.folder}/.signoff/signoff.db") as db:
        await db.transact(write)
    return shell


async def test_webhooks_stand_in_a_table_with_what_was_given_up(told: Shell) -> None:
    """Beside a running server, too: the store is only read."""
    async with Database(f"sqlite:///{told.folder}/.signoff/signoff.db"):
        said = await told.run("webhooks")
    assert said.code == 0, said.said
    rows = [line.split() for line in said.out.replace("│", " ").splitlines()]
    assert ["crm", "1", "1", "0", "1"] in rows
    assert "gone: not in the policy file any more" in said.said
    assert "crm: entry 2 of the audit log was given up: the receiver answered 410." in said.said
    assert "crm: tried again, because the receiver answered 500." in said.said
    assert "/approvals webhooks replay crm" in said.said


async def test_programs_get_the_same_as_json(told: Shell) -> None:
    """Each webhook with its counts and its lost events."""
    crm, gone = json.loads((await told.run("webhooks", "--json")).out)["webhooks"]
    assert crm["events"] == {"done": 1, "due": 1, "leased": 0, "dead": 1}
    assert crm["given_up"] == [{"entry": 2, "error": "the receiver answered 410", "at": NOW.isoformat()}]
    assert (gone["name"], gone["in_policy_file"]) == ("gone", False)


async def test_without_webhooks_or_without_a_store_it_says_so(shell: Shell) -> None:
    """And makes none."""
    said = await shell.run("webhooks")
    assert said.code == 1
    assert "is not there yet" in said.said
    assert not (shell.folder / ".signoff").exists()
    await shell.run("migrate")
    assert "There is no webhook in the policy file." in (await shell.run("webhooks")).said
