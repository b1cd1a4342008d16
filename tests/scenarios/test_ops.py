"""The `ops` agent: reading needs nobody; what changes files or runs commands is approved call by call."""

from __future__ import annotations

from datetime import timedelta

from storage.types import RequestStatus, RunStatus
from tests.scenarios.effects import sandbox
from tests.scenarios.house import House


async def approve(house: House, words: str) -> None:
    await house.person("maria").click(house.card(words, "Approve"), "Approve")
    await house.settle()


async def reject(house: House, words: str, reason: str) -> None:
    maria = house.person("maria")
    pressed = await maria.click(house.card(words, "Reject"), "Reject")
    assert pressed.view is not None
    await maria.fill_and_submit(pressed.view, {"Reason": reason})
    await house.settle()


async def test_reading_needs_nobody_and_is_on_record(house: House) -> None:
    """A call that a policy allows runs at once, and its start and end are audited all the same."""
    (house.dir / "sandbox").mkdir()
    (house.dir / "sandbox" / "notes.txt").write_text("milk")
    run = await house.start("sam", "ops", "read notes.txt")
    assert (await house.run(run.id)).output == "milk"
    assert await house.requests(run.id) == []
    assert [entry.tool for entry in await house.audit("call.finished")] == ["read_file"]


async def test_writing_waits_for_a_yes(house: House) -> None:
    """The file is there after the approval, with exactly the text that the card showed."""
    await house.start("sam", "ops", "write notes.txt: buy milk")
    assert "buy milk" in house.card("Approve write_file?").plain()
    assert sandbox(house.dir) == {}
    await approve(house, "Approve write_file?")
    assert sandbox(house.dir) == {"notes.txt": "buy milk\n"}


async def test_one_approved_and_one_rejected_reach_their_own_call(house: House) -> None:
    """Two deletions asked together: the yes deletes one file, the no keeps the other, and neither crosses over."""
    (house.dir / "sandbox").mkdir()
    for name in ("a.txt", "b.txt"):
        (house.dir / "sandbox" / name).write_text(name)
    run = await house.start("sam", "ops", "delete a.txt, b.txt")
    await approve(house, '"b.txt"')
    await house.advance(timedelta(seconds=21))  # for so long the policy holds it
    assert sandbox(house.dir) == {"a.txt": "a.txt", "b.txt": "b.txt"}, "nothing runs before all are decided"
    assert "1 more decision" in house.card('"b.txt"').plain()
    await reject(house, '"a.txt"', "We need it")
    assert sandbox(house.dir) == {"a.txt": "a.txt"}
    output = str((await house.run(run.id)).output)
    assert "delete_file a.txt: not done, a person said no: We need it" in output
    assert "Deleted b.txt" in output


async def test_the_backup_script_is_made_step_by_step(house: House) -> None:
    """Two calls of one step and one of the next: each is approved, and the script is there and readable."""
    run = await house.start("sam", "ops", "Create a backup script at /backup.sh that archives the /data directory")
    await approve(house, "Approve write_file?")
    assert sandbox(house.dir) == {}
    await approve(house, "Approve execute?")
    assert list(sandbox(house.dir)) == ["backup.sh"]
    await approve(house, "Approve execute?")
    ended = await house.run(run.id)
    assert ended.status is RunStatus.SUCCEEDED
    assert "the script is readable" in str(ended.output)


async def test_a_rejected_command_never_runs(house: House) -> None:
    """A no to a command leaves no trace on the disk."""
    run = await house.start("sam", "ops", "run touch made.txt")
    await reject(house, "touch made.txt", "Not now")
    assert sandbox(house.dir) == {}
    assert [request.status for request in await house.requests(run.id)] == [RequestStatus.REJECTED]


async def test_a_tool_that_refuses_is_shown_as_failed(house: House) -> None:
    """An approved call whose tool says no: the card says so, and the agent ends by itself."""
    run = await house.start("sam", "ops", "delete ../outside.txt")
    card = house.card("Approve delete_file?")
    await approve(house, "Approve delete_file?")
    await house.advance(timedelta(seconds=21))  # for so long the policy holds it
    shown = card.now()
    assert shown is not None
    assert "Failed after" in shown.plain()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
