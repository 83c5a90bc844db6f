"""The summary says ok only when everything equals what the scenario knows must happen."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from pravah_cli.scenarios.model import Enroll, Report, Scenario, Withdraw
from pravah_cli.scenarios.outcome import Seen, summarise
from pravah_cli.scenarios.play import Sent

AT = datetime(2026, 1, 1, tzinfo=UTC)
SCENARIO = Scenario(
    name="two learners, one completes and may not leave any more",
    courses={},
    learners={"a": {"email": "a@learners.example"}, "b": {"email": "b@learners.example"}},
    steps=[
        Enroll(AT, "a", "c"),
        Enroll(AT, "b", "c"),
        Report(AT, "a", "c"),
        Withdraw(AT, "a", "c", after_completion=True),
    ],
    completions=frozenset({("a", "c")}),
    published={"completed": 1},
)


def _perfect() -> tuple[Sent, Seen]:
    """Return what is sent and seen when nothing goes wrong."""
    seen = Seen(mails=3, mail_ids={"1", "2", "3"}, inbox_items=3, inbox_ids={"4", "5", "6"})
    seen.completed["a", "c"].add("event")
    seen.certified["a", "c", "completion"].add("certificate")
    return Sent(learners=2, enrolled=2, progressed=1, withdrawals_refused=1), seen


def test_nothing_wrong_is_ok() -> None:
    """All figures as the scenario knows them."""
    summary = summarise(SCENARIO, *_perfect())
    assert summary.ok, summary.problems
    assert summary.delivered == 6


def _lose_an_enrollment(sent: Sent, _: Seen) -> None:
    sent.enrolled -= 1


def _lose_a_completion(_: Sent, seen: Seen) -> None:
    seen.completed.clear()


def _complete_another(_: Sent, seen: Seen) -> None:
    seen.completed.clear()
    seen.completed["b", "c"].add("event")


def _certify_twice(_: Sent, seen: Seen) -> None:
    seen.certified["a", "c", "completion"].add("another")


def _mail_twice(_: Sent, seen: Seen) -> None:
    seen.mails += 1


def _lose_an_inbox_item(_: Sent, seen: Seen) -> None:
    seen.inbox_items -= 1
    seen.inbox_ids.pop()


def _bury_a_record(_: Sent, seen: Seen) -> None:
    seen.dead_letters += 1


def _let_a_completed_learner_leave(sent: Sent, _: Seen) -> None:
    sent.withdrawals_refused, sent.withdrawn = 0, 1


@pytest.mark.parametrize(
    "fault",
    [
        _lose_an_enrollment,
        _lose_a_completion,
        _complete_another,
        _certify_twice,
        _mail_twice,
        _lose_an_inbox_item,
        _bury_a_record,
        _let_a_completed_learner_leave,
    ],
)
def test_every_fault_is_named(fault: Callable[[Sent, Seen], None]) -> None:
    """One thing lost, doubled or invented: not ok, and a sentence that says what."""
    sent, seen = _perfect()
    fault(sent, seen)
    summary = summarise(SCENARIO, sent, seen)
    assert not summary.ok
    assert summary.problems
