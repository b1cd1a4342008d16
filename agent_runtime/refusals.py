"""Why a decision or a command of an authenticated person is refused. The surfaces add who can act instead."""

from __future__ import annotations

from storage.types import Described


class RefusalReason(Described):
    """Each sentence completes "Nothing was changed: ..."; it is written to the audit log and told to the person."""

    TOO_LATE = "too_late", "this request was already closed."
    OUTDATED = "outdated", "this card showed an older version of the request."
    ALREADY_VOTED = "already_voted", "you have already decided on this request."
    NO_VOTE = "no_vote", "there is no vote of yours here to take back."
    HELD = "held", "enough people have approved this; it runs shortly, unless one of them takes it back."
    HELD_ENOUGH = "held_enough", "you have put this off twice in this stage; decide, or leave it to the others."
    NEEDS_REASON = "needs_reason", "the policy asks for a reason with this decision; please write one."
    BAD_EDIT = "bad_edit", "the call cannot be asked with these arguments."
    DENIED = "denied", "a policy does not allow the call with these arguments."
    NOT_OFFERED = "not_offered", "the policy does not offer this decision here."
    BAD_ANSWER = "bad_answer", "that is not an answer to what was asked."
    UNKNOWN_REQUEST = "unknown_request", "no such request is known here."
    NOT_AN_APPROVER = "not_an_approver", "you are not an approver of this stage."
    OWN_REQUEST = "own_request", "you started this run, and nobody approves their own."
    OTHER_TEAM = "other_team", "only members of the workspace that this belongs to may do this."
    DEACTIVATED = "deactivated", "this account is deactivated."
    BOT = "bot", "bots may not decide."
    GUEST = "guest", "guests may not decide here."
    UNKNOWN_PERSON = "unknown_person", "the directory does not know you."
    DIRECTORY_DOWN = "directory_down", "Slack did not say in time who may decide; please try again in a minute."
    NOT_A_STARTER = "not_a_starter", "you may not start this agent: its policy names who may, and guests only by name."
    NOT_ASKED = "not_asked", "only the person who started the run was asked."
    ALREADY_ANSWERED = "already_answered", "this question was answered before."
    BAD_INQUIRY = "bad_inquiry", "please write something, of at most 1,000 characters."
    ASKED_ENOUGH = "asked_enough", "ten questions about one request are enough; decide, or talk in the thread."
    NOT_YOUR_RUN = "not_your_run", "only the person who started a run, or an operator, may do this."
    NOT_YOUR_START = "not_your_start", "only the person who started a run may start it again, or have it ask again."
    RUN_OVER = "run_over", "the run has already ended."
    RUN_ACTIVE = "run_active", "only a failed run can be tried again."
    INTEGRITY = "integrity", "the stored request does not match its seal, so nothing can be decided on it."
    NOT_AN_OPERATOR = "not_an_operator", "only operators may do this."
    DECIDED_FOR_YOU = (
        "decided_for_you",
        "whoever stands in for you has decided on this; you may take that back.",
    )
    OTHER_ACCOUNT = "other_account", "another account with your address has decided on this, or had it decided."
    DECIDED_BY_THEM = "decided_by_them", "whoever you stand in for has already decided on this, or had it decided."
    BAD_DELEGATE = "bad_delegate", "only another full member of this workspace, who is no bot, can stand in for you."
    DELEGATE_AWAY = "delegate_away", "that person is away, too, so nobody would decide."
    DELEGATE_BUSY = "delegate_busy", "that person stands in for as many others as one may."
    BAD_MOMENT = "bad_moment", "that moment is past, or more than 90 days off."
    NOT_AWAY = "not_away", "nobody stands in for you now."
    TOO_MANY_STARTS = (
        "too_many_starts",
        "you started as many runs within an hour as one person may; try again later.",
    )
    TOO_MANY_OPEN = "too_many_open", "as many requests of your runs are open as may be; let some be decided first."
    BAD_WISH = "bad_wish", "this approval cannot count for further calls."
    UNKNOWN_GRANT = "unknown_grant", "no such grant is known here."
    NOT_YOUR_GRANT = "not_your_grant", "only the people who gave a grant, or an operator, may end it."
    ALREADY_PAUSED = "already_paused", "it is paused already."
    NOT_PAUSED = "not_paused", "it is not paused."
    UNKNOWN_ALERT = "unknown_alert", "no such alert is known here."
    NOT_YOUR_ALERT = "not_your_alert", "only operators, and the people who are asked, may do this."
    ALREADY_REMINDED = "already_reminded", "whoever is asked was reminded within the last ten minutes."
    ALERT_OVER = "alert_over", "this alert is over already."
    UNKNOWN_RUN = "unknown_run", "no such run is known here."
