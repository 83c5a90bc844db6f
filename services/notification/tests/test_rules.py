"""The pure decisions."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notification_facts import NOW, certified, course, enrolled, entry

from pravah_notification.model import (
    ChannelDown,
    Deferred,
    Delivered,
    Entry,
    Interrupted,
    Known,
    Refused,
    Result,
    RetryPolicy,
    Suppressed,
    Unsent,
)
from pravah_notification.rules import after, backoff_seconds, drafts, settle

POLICY = RetryPolicy(first_seconds=10, most_seconds=80, most_deferrals=3)
ALL_KNOWN = Known(people={"l1"}, courses={"c1"})


def test_an_enrollment_is_told_once_on_each_channel() -> None:
    """Two entries, named by the event, the channel, the learner and the generation."""
    event = enrolled()
    assert [draft.id for draft in drafts([event])] == [
        f"{event.id}|email|l1|1",
        f"{event.id}|inapp|l1|1",
    ]


def test_a_repeated_event_adds_nothing_to_its_batch() -> None:
    """The ledger's names are those of the event."""
    assert drafts([certified(), certified()]) == drafts([certified()])


def test_what_is_no_occasion_leads_to_no_entry() -> None:
    """Courses and withdrawals are read, not told."""
    assert drafts([course()]) == ()


@pytest.mark.parametrize(
    ("known", "missing"),
    [
        (Known(), ("person", "course")),
        (Known(people={"l1"}), ("course",)),
        (Known(courses={"c1"}), ("person",)),
    ],
)
def test_a_message_waits_for_what_it_speaks_of(known: Known, missing: tuple[str, ...]) -> None:
    """And says what it waits for."""
    for draft in drafts([enrolled()]):
        settled = settle(draft, known, NOW)
        assert (settled.state, settled.missing) == ("waiting", missing)


def test_once_all_is_known_mail_is_due_and_the_inbox_shows_it() -> None:
    """The inbox needs no delivery: it is sent by being there."""
    mail, inapp = (settle(draft, ALL_KNOWN, NOW) for draft in drafts([enrolled()]))
    assert (mail.state, mail.due_at) == ("pending", NOW)
    assert (inapp.state, inapp.visible_at) == ("sent", NOW)


def test_nothing_goes_to_a_learner_who_is_erased() -> None:
    """Whatever else is known."""
    known = Known(people={"l1"}, erased={"l1"}, courses={"c1"})
    for draft in drafts([enrolled()]):
        settled = settle(draft, known, NOW)
        assert (settled.state, settled.reason) == ("suppressed", "erased")


def test_a_decided_entry_is_never_decided_again() -> None:
    """A late look at a sent message changes nothing."""
    sent = replace(entry(), state="sent")
    assert settle(sent, Known(erased={"l1"}), NOW) is sent


def test_a_delivered_message_is_sent() -> None:
    """And due no more."""
    done = after(entry(), Delivered(), NOW, 0, POLICY)
    assert (done.state, done.due_at, done.attempts) == ("sent", None, 1)


def test_a_refused_message_is_dead_with_its_reason() -> None:
    """5xx on the recipient."""
    done = after(entry(), Refused("RCPT 550 5.1.1"), NOW, 0, POLICY)
    assert (done.state, done.reason, done.due_at) == ("dead", "RCPT 550 5.1.1", None)


def test_a_suppressed_message_was_not_tried() -> None:
    """No address: not an attempt."""
    done = after(entry(), Suppressed("no_address"), NOW, 0, POLICY)
    assert (done.state, done.reason, done.attempts) == ("suppressed", "no_address", 0)


@pytest.mark.parametrize("result", [Unsent(), ChannelDown("ConnectionRefusedError")])
def test_a_message_that_was_not_tried_is_due_at_once(result: Result) -> None:
    """It loses nothing by an outage: no attempt is counted."""
    back = after(replace(entry(), attempts=4), result, NOW, 0, POLICY)
    assert (back.state, back.due_at, back.attempts) == ("pending", NOW, 4)


def test_a_deferred_message_comes_back_later_each_time_and_dies_in_the_end() -> None:
    """4xx on this message; the third is the last by this policy."""
    now, waits = entry(), []
    for _ in range(2):
        now = after(now, Deferred("RCPT 451"), NOW, 0.5, POLICY)
        assert now.state == "retrying"
        assert now.due_at is not None
        waits.append((now.due_at - NOW).total_seconds())
    assert waits == [7.5, 15]
    assert after(now, Deferred("RCPT 451"), NOW, 0, POLICY).state == "dead"


@given(tries=st.integers(1, 200))
def test_no_outage_makes_a_message_dead(tries: int) -> None:
    """However often the connection breaks, or the server is away."""
    now = entry()
    for turn in range(tries):
        down = ChannelDown("away") if turn % 2 else Interrupted("DATA SMTPServerDisconnected")
        now = after(now, down, NOW, 0.9, POLICY)
        assert now.state in {"pending", "retrying"}


@given(attempts=st.integers(0, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_a_wait_stays_between_half_a_first_and_the_most(attempts: int, jitter: float) -> None:
    """For any count of failures."""
    wait = backoff_seconds(attempts, jitter, POLICY)
    assert POLICY.first_seconds / 2 <= wait <= POLICY.most_seconds


@given(lease=st.sampled_from([Delivered(), Deferred("451"), Interrupted("x"), Unsent()]))
def test_whatever_is_not_settled_is_due_again(lease: Result) -> None:
    """An open entry without a due time would never be taken again."""
    done: Entry = after(entry(), lease, NOW + timedelta(seconds=9), 0.2, POLICY)
    assert (done.due_at is None) == (done.state in {"sent", "dead", "suppressed"})
