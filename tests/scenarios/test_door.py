"""The door: what is not from Slack gets nothing and leaves one line in the audit, and nothing makes the bot stumble."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any
from urllib.parse import quote_plus, urlencode

import aiohttp
import pytest

from bot.door import LARGEST_BODY
from bot.workspace.deliveries import encode
from storage import requests
from storage.types import RequestStatus, RunStatus
from tests.scenarios.effects import mails
from tests.scenarios.house import House

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
TASK = "Send email to team about meeting"


async def approve_body(house: House) -> bytes:
    """The body of Maria's click on Approve, without sending it."""
    await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?", "Approve")
    app_url, house.ws.app_url = house.ws.app_url, "http://127.0.0.1:9/"
    await house.person("maria").click(card, "Approve")
    house.ws.app_url = app_url
    house.ws.world.user_errors.clear()
    return house.ws.deliveries[-1].attempts[-1].body


async def nothing_happened(house: House) -> bool:
    """The request is still open and nothing was sent."""
    await house.settle()
    waiting = await house.bot.runtime.db.read(requests.all_pending, 100)
    return mails(house.dir) == [] and len(waiting) == 1


async def test_a_signed_click_is_let_in(house: House) -> None:
    """The same bytes that are refused below are accepted with their signature."""
    body = await approve_body(house)
    reply = await house.ws.send(body, FORM | house.ws.sign(body))
    assert (reply.status, reply.body) == (200, b"")
    await house.settle()
    assert len(mails(house.dir)) == 1


async def test_what_was_delivered_once_is_not_done_again(house: House) -> None:
    """Whoever reads along brings back what Sam typed before, signature and all: it stays as Sam has it since."""
    sam = house.person("sam")
    await sam.command("/approvals", "pause")
    await sam.command("/approvals", "resume")
    resumed = house.ws.deliveries[-1].attempts[-1]
    await sam.command("/approvals", "pause")
    again = await house.ws.send(resumed.body, resumed.headers)
    assert again.status == 200
    assert await house.bot.desk.switch.lasting() != ()


FORGERIES = {
    "no signature": {"X-Slack-Signature": None},
    "no timestamp": {"X-Slack-Request-Timestamp": None},
    "neither": {"X-Slack-Signature": None, "X-Slack-Request-Timestamp": None},
    "empty signature": {"X-Slack-Signature": ""},
    "half a signature": {"X-Slack-Signature": "v0=abcdef"},
    "another version": {"X-Slack-Signature": "v1=" + "0" * 64},
    "a signature that is not ASCII": {"X-Slack-Signature": "v0=\xe4\xf6\xfc"},
    "a timestamp in words": {"X-Slack-Request-Timestamp": "yesterday"},
    "a timestamp with a sign": {"X-Slack-Request-Timestamp": "-1793610000"},
    "a timestamp with a point": {"X-Slack-Request-Timestamp": "1793610000.5"},
    "a timestamp in other digits": {"X-Slack-Request-Timestamp": "\u0661\u0662"},
    "a timestamp without end": {"X-Slack-Request-Timestamp": "9" * 4000},
    "an empty timestamp": {"X-Slack-Request-Timestamp": ""},
}


async def test_what_is_not_signed_is_refused(house: House) -> None:
    """401 with an empty body, whatever is wrong with the signature; never a 500."""
    body = await approve_body(house)
    for case, headers in FORGERIES.items():
        sent = {**FORM, **house.ws.sign(body), **headers}
        reply = await house.ws.send(body, {name: value for name, value in sent.items() if value is not None})
        assert (reply.status, reply.body) == (401, b""), case
    assert await nothing_happened(house)


async def test_old_and_early_timestamps_are_refused(house: House) -> None:
    """A signature is good for five minutes around its time, on the bot's clock."""
    body = await approve_body(house)
    now = int(house.clock.now().timestamp())
    for seconds in (-301, 301, -86_400, 86_400, -now):
        reply = await house.ws.send(body, FORM | house.ws.sign(body, timestamp=now + seconds))
        assert reply.status == 401, seconds
    assert await nothing_happened(house)


async def test_a_wrong_secret_and_a_changed_body_are_refused(house: House) -> None:
    """The signature covers every byte, with our secret."""
    body = await approve_body(house)
    other = await house.ws.send(body, FORM | house.ws.sign(body, secret="0" * 32))
    changed = await house.ws.send(body + b"&x=1", FORM | house.ws.sign(body))
    assert (other.status, changed.status) == (401, 401)
    assert await nothing_happened(house)


BROKEN = {
    "invalid UTF-8 behind percent signs": (b"payload=%ff%fe", FORM),
    "invalid UTF-8 in a command": (b"command=%2Fagent&text=%c3%28", FORM),
    "no JSON in the payload": (b"payload=%7Bnope", FORM),
    "an empty payload": (b"payload=", FORM),
    "a list in the payload": (b"payload=%5B%5D", FORM),
    "a number in the payload": (b"payload=5", FORM),
    "null in the payload": (b"payload=null", FORM),
    "a thousand fields": (urlencode({f"f{n}": "x" for n in range(1000)}).encode(), FORM),
    "invalid JSON": (b'{"type": "event_callback"', JSON),
    "a JSON list": (b"[1, 2]", JSON),
    "a JSON text": (b'"hello"', JSON),
    "no JSON at all": (b"", JSON),
    "deep nesting": (b"[" * 100_000, JSON),
    "deep nesting in a payload": (b"payload=" + b"%7B%22a%22%3A" * 50_000, FORM),
    "deep but whole": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, JSON),
    "a number without end": (b'{"type": ' + b"9" * 5000 + b"}", JSON),
}


async def test_what_cannot_be_read_is_refused_with_a_reason(house: House) -> None:
    """Signed but broken: a 400 that says why, and no traceback."""
    for case, (body, headers) in BROKEN.items():
        reply = await house.ws.send(body, headers | house.ws.sign(body))
        assert reply.status == 400, case
        assert reply.json()["error"].startswith("the body "), case


UNREADABLE = [(b"payload=\xff\xfe", FORM), ('{"type":"x"}'.encode("utf-16"), JSON)]


async def test_bytes_that_are_no_text_are_nothing_that_slack_signs(house: House) -> None:
    """Slack signs UTF-8; other bytes are a forgery, whatever their signature."""
    for body, headers in UNREADABLE:
        reply = await house.ws.send(body, headers | house.ws.sign(body))
        assert (reply.status, reply.body) == (401, b"")


ODD = {
    "half a character": (b'{"type": "event_callback", "event": {"type": "\\ud800"}}', JSON),
    "an empty object": (b"{}", JSON),
    "an empty form": (b"", FORM),
    "no content type": (b"command=%2Fagent", {"Content-Type": ""}),
    "an unknown type": (b"payload=%7B%22type%22%3A%22unheard_of%22%7D", FORM),
    "an unknown command": (b"command=%2Fother&text=x", FORM),
    "an event of nothing": (b'{"type": "event_callback"}', JSON),
    "an event of a text": (b'{"type": "event_callback", "event": "x"}', JSON),
    "nested two hundred deep": (b'{"a":' * 200 + b"1" + b"}" * 200, JSON),
    "actions of nothing": (b"payload=" + quote_plus('{"type":"block_actions","actions":[]}').encode(), FORM),
    "actions of texts": (b"payload=" + quote_plus('{"type":"block_actions","actions":["x"]}').encode(), FORM),
    "a view of nothing": (b"payload=" + quote_plus('{"type":"view_submission"}').encode(), FORM),
    "a user that is a text": (
        b"payload="
        + quote_plus(
            '{"type":"block_actions","user":"U1","actions":[{"action_id":"signoff_approve","block_id":"b"}]}'
        ).encode(),
        FORM,
    ),
}


async def test_signed_deliveries_of_odd_shapes_do_no_harm(house: House) -> None:
    """Nobody listens to them: 200, 400 or 404, never a 500 nor a traceback."""
    for case, (body, headers) in ODD.items():
        reply = await house.ws.send(body, headers | house.ws.sign(body))
        assert reply.status in {200, 400, 404}, case
    assert await house.audit("decision.made") == []


async def test_buttons_with_odd_values_decide_nothing(house: House) -> None:
    """Only exactly what we write into a button is read from one."""
    await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?", "Approve")
    maria = house.person("maria")
    await maria.click(card, "Reject")
    genuine = house.ws.deliveries[-1].payload
    request = card.buttons[0].value.split(".")[0]
    odd: list[Any] = [
        "", ".", request, f"{request}.1", f"{request}.1.0.0", f"{request}.01.0", f"{request}.-1.0", f" {request}.1.0",
        f"{request}.1.0\n", f"{request}.999999999.0", f"{request}.1.7", "AZZZZZZ.1.0", "x" * 2000, None, 5, ["a"], {},
    ]  # fmt: skip
    for value in odd:
        for action_id in ("signoff_approve", "signoff_reject", "signoff_review_all", "signoff_page_next"):
            pressed = {"type": "button", "action_id": action_id, "block_id": "b", "value": value, "action_ts": "1.1"}
            reply = await house.ws.deliver("interactive", {**genuine, "actions": [pressed]})
            assert reply.status == 200, (action_id, value)
    assert await nothing_happened(house)


async def test_forms_with_odd_metadata_decide_nothing(house: House) -> None:
    """A form that is not one of ours says so, whatever its metadata and fields hold."""
    await house.start("ana", "approval", TASK)
    maria = house.person("maria")
    pressed = await maria.click(house.card("Approve send_email?"), "Reject")
    assert pressed.view is not None
    await maria.submit(pressed.view)
    run = (await house.audit("run.started"))[0].run_id
    assert len(await house.audit("decision.made")) == 1
    genuine = house.ws.deliveries[-1].payload
    for metadata in ("", "{}", "null", "[]", "x" * 3000, '{"target": 5, "page": 0, "channel": ""}'):
        view = {**genuine["view"], "private_metadata": metadata}
        reply = await house.ws.deliver("interactive", {**genuine, "view": view})
        assert reply.status == 200
        assert "not one that Signoff knows" in reply.text
    for state in (
        {},
        {"values": []},
        {"values": {"signoff_reason": []}},
        {"values": {"signoff_reason": {"x": 1}}},
        None,
    ):
        view = {**genuine["view"], "state": state}
        assert (await house.ws.deliver("interactive", {**genuine, "view": view})).status == 200
    assert len(await house.audit("decision.made")) == 1
    await house.settle()
    assert (await house.run(run)).status is RunStatus.SUCCEEDED


async def test_words_that_no_store_can_hold_do_not_make_it_stumble(house: House) -> None:
    """Half a character or a NUL in a reason: the decision counts, and what was said can still be shown."""
    await house.start("ana", "approval", TASK)
    maria = house.person("maria")
    pressed = await maria.click(house.card("Approve send_email?"), "Reject")
    assert pressed.view is not None
    maria.fill(pressed.view, {"Reason": "no"})
    await maria.submit(pressed.view)
    delivery = house.ws.deliveries[-1]
    await house.settle()
    second = house.card("Revised: no", "Reject")
    payload = json.loads(json.dumps(delivery.payload))
    metadata = json.loads(payload["view"]["private_metadata"])
    metadata["target"] = second.buttons[0].value
    payload["view"]["private_metadata"] = json.dumps(metadata)
    field = payload["view"]["state"]["values"]["signoff_reason"]["signoff_field"]
    field["value"] = "half \ud800 a \u0000 character"
    body, kind = encode("interactive", payload)
    reply = await house.ws.send(body, {"Content-Type": kind} | house.ws.sign(body))
    assert reply.status == 200
    await house.settle()
    assert (await house.requests((await house.audit("run.started"))[0].run_id))[1].status is RequestStatus.REJECTED
    assert mails(house.dir) == []


async def test_a_body_past_the_limit_is_refused(house: House) -> None:
    """413, also when it is signed; one byte less is read."""
    body = b"payload=" + b"x" * (LARGEST_BODY - 8)
    async with _client() as client:
        for text, status in ((body, 400), (body + b"x", 413)):
            async with client.post(house.ws.app_url, data=BytesIO(text), headers=FORM | house.ws.sign(text)) as answer:
                assert answer.status == status


async def test_other_methods_and_routes_are_not_there(house: House) -> None:
    """405 for a GET, 404 for what does not exist; health is open."""
    base = house.ws.app_url.removesuffix("/slack/events")
    async with _client() as client:
        for method, path, status in (
            ("GET", "/slack/events", 405),
            ("PUT", "/slack/events", 405),
            ("DELETE", "/slack/events", 405),
            ("POST", "/slack/event", 404),
            ("POST", "/slack/events/", 404),
            ("GET", "/", 404),
            ("GET", "/../etc/passwd", 404),
            ("GET", "/healthz", 200),
        ):
            async with client.request(method, base + path) as answer:
                assert answer.status == status, path


@asynccontextmanager
async def _client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_replayed_click_changes_nothing(house: House) -> None:
    """The same bytes again, within the five minutes: one decision, one mail."""
    await house.start("ana", "approval", TASK)
    await house.person("maria").click(house.card("Approve send_email?"), "Approve")
    for _ in range(3):
        assert (await house.ws.replay()).status == 200
    await house.settle()
    for _ in range(2):
        assert (await house.ws.replay()).status == 200
    await house.settle()
    assert len(await house.audit("decision.made")) == 1
    assert len(mails(house.dir)) == 1
    assert house.person("maria").ephemerals == [], "a repetition of one's own click is not told"


async def test_a_replayed_form_changes_nothing(house: House) -> None:
    """A reason sent twice is one decision."""
    await house.start("ana", "approval", TASK)
    maria = house.person("maria")
    pressed = await maria.click(house.card("Approve send_email?"), "Reject")
    assert pressed.view is not None
    await maria.fill_and_submit(pressed.view, {"Reason": ""})
    assert (await house.ws.replay()).status == 200
    await house.settle()
    assert len(await house.audit("decision.made")) == 1


async def test_slacks_own_checks_are_answered(house: House) -> None:
    """The certificate check and the challenge that proves whose address this is."""
    assert (await house.ws.send(b"ssl_check=1&token=x", FORM)).status == 200
    assert await house.ws.verify_url()
    challenge = b'{"type": "url_verification", "challenge": "c", "token": "t"}'
    assert (await house.ws.send(challenge, JSON)).status == 401, "unsigned, it could come from anybody"


async def test_noise_is_one_line_of_the_audit(house: House) -> None:
    """Two hundred forgeries and a few broken bodies: one entry with counts, and none where there was nothing."""
    body = b"payload=%7B%7D"
    for _ in range(200):
        await house.ws.send(body, FORM)
    for _ in range(3):
        await house.ws.send(b"payload=5", FORM | house.ws.sign(b"payload=5"))
    await house.bot.flush_noise()
    await house.bot.flush_noise()
    (entry,) = await house.audit("noise")
    text = await house.text_of(entry)
    assert text["counts"] == {"unsigned or forged": 200, "unreadable": 3}


async def test_forgeries_are_not_logged_one_by_one(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody can fill the disk with log lines by knocking."""
    before = len(caplog.records)
    for _ in range(20):
        await house.ws.send(b"payload=%7B%7D", FORM)
    assert [record for record in caplog.records[before:] if record.levelno >= logging.WARNING] == []
