"""The `approval` agent."""

from __future__ import annotations

import mailbox
from pathlib import Path

import pytest

from tests.demo.play import Edited, Refused, play

TASK = "Send email to team about meeting"


def mails(data_dir: Path) -> list[mailbox.MaildirMessage]:
    return list(mailbox.Maildir(data_dir / "mail", create=False)) if (data_dir / "mail").exists() else []


async def test_an_approved_plan_is_sent_once_exactly_as_planned(tmp_path: Path) -> None:
    """The arguments of the approved call are the mail that lies in the Maildir."""
    run = play(tmp_path, "approval")
    ending = await run.start(TASK)
    [(_, _, tool, args)] = await run.calls()
    [mail] = mails(tmp_path)
    assert tool == "send_email"
    assert (mail["To"], mail["Subject"], mail["X-Run"]) == (args["to"], args["subject"], "R1")
    assert mail.get_payload(decode=True).decode() == args["body"] + "\n"
    assert ending.result == "Sent “Meeting” to team@example.com."


async def test_a_no_with_a_reason_is_answered_by_a_plan_that_shows_it(tmp_path: Path) -> None:
    """The revised plan carries the reason as a line above its closing words, and only the revised plan is sent."""
    run = play(tmp_path, "approval", Refused("rejected", "say\nwhen it is"), None)
    await run.start(TASK)
    first, second = await run.calls()
    assert second[3] == {**first[3], "body": first[3]["body"].replace("Kind", "Revised: say when it is\n\nKind")}
    [mail] = mails(tmp_path)
    assert "Revised: say when it is" in mail.get_payload()


async def test_each_ask_reuses_the_call_id_in_a_message_of_its_own(tmp_path: Path) -> None:
    """Only message id and call id together tell two asks apart."""
    run = play(tmp_path, "approval", Refused("rejected", "a"), Refused("rejected", "b"), None)
    await run.start(TASK)
    assert [call[:2] for call in await run.calls()] == [
        ("plan-1", "call_0"),
        ("plan-2", "call_0"),
        ("plan-3", "call_0"),
    ]


async def test_three_revisions_are_tried_and_no_more(tmp_path: Path) -> None:
    """A person who keeps saying no is asked four times in all, and nothing is sent."""
    run = play(tmp_path, "approval", *[Refused("rejected", f"no {n}") for n in range(9)])
    ending = await run.start(TASK)
    assert len(await run.calls()) == 4
    assert ending.result == "The mail was not sent after 3 revisions: a person said no: no 3."
    assert mails(tmp_path) == []


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (Refused("rejected"), "a person said no"),
        (Refused("skipped", "not needed"), "a person left this step out: not needed"),
        (Refused("expired"), "nobody decided in time"),
        (Refused("denied", "no mail on Sundays"), "the policy forbids it: no mail on Sundays"),
        (Refused("something new"), "it was refused"),
    ],
)
async def test_a_refusal_that_says_nothing_to_revise_is_not_asked_again(
    tmp_path: Path, refused: Refused, said: str
) -> None:
    """The run ends with a sentence that says why, and nothing is sent."""
    run = play(tmp_path, "approval", refused)
    ending = await run.start(TASK)
    assert ending.result == f"The mail was not sent: {said}."
    assert len(await run.calls()) == 1
    assert mails(tmp_path) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "team@example.com\nBcc: eve@example.com"},
        {"to": "team@example.com, nobody"},
        {"to": "a@b@c"},
        {"subject": "Hello\nBcc: eve@example.com"},
        {"subject": " "},
        {"body": "x" * 200_000},
        {"body": "\ud800"},
        {"body": 7},
    ],
)
async def test_a_mail_that_no_server_should_take_is_not_sent(tmp_path: Path, wrong: dict[str, object]) -> None:
    """An edit by a person cannot forge headers; the run ends with a sentence."""
    run = play(tmp_path, "approval", Edited(wrong))
    ending = await run.start(TASK)
    assert ending.result.startswith("The mail was not sent: ")
    assert mails(tmp_path) == []


async def test_a_fault_of_the_program_is_no_answer_to_the_planner(tmp_path: Path) -> None:
    """Only errors that a planner can do something about become sentences; others fail the run."""
    run = play(tmp_path, "approval")
    run.broken = RuntimeError("a fault")
    with pytest.raises(RuntimeError, match="a fault"):
        await run.start(TASK)


async def test_an_edited_mail_is_reported_as_it_was_sent(tmp_path: Path) -> None:
    """The result tells what ran, not what was planned."""
    run = play(tmp_path, "approval", Edited({"to": "ana@example.com", "subject": "Lunch", "body": "Hi"}))
    ending = await run.start(TASK)
    assert ending.result == "Sent “Lunch” to ana@example.com."
    assert [mail["To"] for mail in mails(tmp_path)] == ["ana@example.com"]
