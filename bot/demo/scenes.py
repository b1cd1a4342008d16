"""The scenes of `signoff demo --auto`: the five demo agents, played by their people."""

from __future__ import annotations

from bot.demo.play import Play

TOO_LATE_HOURS = 4.1
"""A little more than the four hours that the demo's policy gives."""


async def reject_and_revise(play: Play) -> None:
    """A plan is rejected with a reason, comes back revised, and the revised one is what is sent."""
    play.scene("approval: a rejected plan is revised and asked again; nobody approves their own")
    run = await play.start("ana", "approval", "Send email to team about meeting")
    first = await play.card("send_email", "Approve")
    await play.fill("maria", first, "Reject", "Say that it moved to Thursday")
    await play.shows(first, "Rejected")
    revised = await play.card("moved to Thursday", "Approve")
    await play.press("ana", revised, "Approve")
    await play.is_told("ana", "nobody approves their own")
    await play.press("maria", revised, "Approve")
    await play.shows(revised, "Approved")
    await play.ends(run, "Sent")


async def time_out(play: Play) -> None:
    """Nobody answers, and silence is never a yes."""
    play.scene("approval: a request that nobody answers times out, and nothing is sent")
    run = await play.start("ana", "approval", "Send email to team about budget")
    card = await play.card("budget", "Approve")
    await play.wait_hours(TOO_LATE_HOURS)
    await play.shows(card, "Timed out")
    await play.ends(run, "not sent")


async def answer(play: Play) -> None:
    """The agent asks, and its starter answers."""
    play.scene("input: the agent needs to know something")
    run = await play.start("ana", "input", "Book a flight to Rome")
    question = await play.card("airline", "Answer")
    await play.fill("ana", question, "Answer", "1. Aurora Air")
    await play.ends(run, "Aurora Air")


async def feedback(play: Play) -> None:
    """Two rounds of feedback, and the draft that was accepted is what is published."""
    play.scene("feedback: a draft goes through two rounds")
    run = await play.start("ana", "feedback", "Write a report about Q3 sales")
    for words in ("Add the figures for Europe", "Name the three largest customers"):
        draft = await play.card("Review", "Request changes")
        await play.fill("ana", draft, "Request changes", words)
    final = await play.card("largest customers", "Accept")
    await play.press("ana", final, "Accept")
    await play.ends(run, "Published")


async def small_purchase(play: Play) -> None:
    """Below the first threshold nobody is asked."""
    play.scene("multi-step: a small purchase goes through by itself")
    run = await play.start("ana", "multi-step", "Buy 1 mouse for 250", "#purchasing")
    await play.ends(run, "Bought")


async def manager_then_finance(play: Play) -> None:
    """From 1000 on a manager signs, then finance."""
    play.scene("multi-step: manager, then finance")
    run = await play.start("ana", "multi-step", "Buy 3 laptops for 4500", "#purchasing")
    await play.press("maria", await play.card("manager_signoff", "Approve"), "Approve")
    await play.press("fred", await play.card("finance_purchase", "Approve"), "Approve")
    await play.ends(run, "Bought")


async def director_then_finance(play: Play) -> None:
    """From 10000 on the director signs, and a manager may not."""
    play.scene("multi-step: director, then finance; a manager may not sign this one")
    run = await play.start("ana", "multi-step", "Buy 2 vans for 25000", "#purchasing")
    card = await play.card("director_signoff", "Approve")
    await play.press("maria", card, "Approve")
    await play.is_told("maria", "not an approver")
    await play.press("dora", card, "Approve")
    await play.press("fred", await play.card("finance_purchase", "Approve"), "Approve")
    await play.ends(run, "Bought")


async def finance_says_no(play: Play) -> None:
    """Finance is reminded after the hour that the demo's policy gives. Rejected by either, nothing is bought."""
    play.scene("multi-step: finance is reminded after an hour and says no, and nothing is bought")
    run = await play.start("ana", "multi-step", "Buy 1 espresso machine for 3000", "#purchasing")
    await play.press("maria", await play.card("manager_signoff", "Approve"), "Approve")
    card = await play.card("finance_purchase", "Reject")
    await play.wait_hours(1)
    await play.reminds(card)
    await play.fill("fred", card, "Reject", "Not this quarter")
    await play.ends(run, "Nothing was bought")


async def backup_script(play: Play) -> None:
    """The calls of one step are decided one by one and run once all of them are."""
    play.scene("ops: a backup script is written and checked, and a deletion is refused")
    run = await play.start("sam", "ops", "Create a backup script at /backup.sh that archives the /data directory")
    for tool in ("write_file", "execute", "execute"):
        await play.press("maria", await play.card(tool, "Approve"), "Approve")
    await play.ends(run, "the script is readable")
    deletion = await play.start("sam", "ops", "delete /backup.sh")
    await play.fill("maria", await play.card("delete_file", "Reject"), "Reject", "We need it")
    await play.ends(deletion, "not done")


SCENES = (
    reject_and_revise,
    answer,
    feedback,
    small_purchase,
    manager_then_finance,
    director_then_finance,
    finance_says_no,
    backup_script,
    time_out,
)
