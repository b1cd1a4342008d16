"""Settings that take people's place: told at every check and start, refused where they do not belong."""

from __future__ import annotations

import pytest

from bot.checks.finding import Level
from bot.checks.inspection import _unasked
from bot.settings import Settings
from tests.cli.conftest import Shell


@pytest.mark.parametrize("name", ["SIGNOFF_AUTO_APPROVE", "GLAIP_HITL_AUTO_APPROVE"])
async def test_auto_approval_is_told_on_a_workspace_of_this_machine(shell: Shell, name: str) -> None:
    """A warning, under either name."""
    shell.set(**{name: "true"})
    checked = await shell.run("check")
    assert checked.code == 0
    assert "warning: Auto-approval is on, for tests: calls run without asking anybody." in checked.said


def test_auto_approval_refuses_a_real_workspace() -> None:
    """A fault, with which neither the check nor the server goes on; no setting of another name gets past it."""
    for named in ("auto_approve", "glaip_auto_approve"):
        (refused,) = _unasked(Settings(**{named: True}, slack_api_url="https://slack.com/api/"))
        assert refused.level is Level.FAULT
        assert "SLACK_API_URL is no workspace on this machine" in refused.what
        assert refused.mend == "Unset SIGNOFF_AUTO_APPROVE and GLAIP_HITL_AUTO_APPROVE"


async def test_log_only_must_be_said_in_its_own_words(shell: Shell) -> None:
    """`true` is too little for what it does; the words switch it on, and it is told."""
    shell.set(SIGNOFF_LOG_ONLY="true")
    refused = await shell.run("check")
    assert refused.code == 2
    assert "SIGNOFF_LOG_ONLY would let every call run that no policy denies" in refused.said
    assert "Write calls-run-unapproved, or leave it unset" in refused.said
    shell.set(SIGNOFF_LOG_ONLY="calls-run-unapproved")
    told = await shell.run("check")
    assert (told.code, "warning: Log-only is on" in told.said) == (0, True)


async def test_both_at_once_are_refused(shell: Shell) -> None:
    """Nobody can tell which was meant."""
    shell.set(SIGNOFF_AUTO_APPROVE="1", SIGNOFF_LOG_ONLY="calls-run-unapproved")
    refused = await shell.run("check")
    assert (refused.code, "both on" in refused.said) == (2, True)


async def test_a_callback_that_cannot_be_imported_is_found_before_the_start(shell: Shell) -> None:
    """With the file, the key and what is wrong with the path."""
    shell.policy(more='[[policy]]\ncallback = "nowhere_at_all:decide"\n')
    refused = await shell.run("check")
    assert refused.code == 2
    assert "callback: nowhere_at_all:decide could not be imported: there is no module nowhere_at_all" in refused.said
    (shell.folder / "our_rules.py").write_text("def decide(request):\n    return 'approved'\n")
    shell.policy(more='[[policy]]\ncallback = "our_rules:decide"\n')
    assert (await shell.run("check")).code == 0
