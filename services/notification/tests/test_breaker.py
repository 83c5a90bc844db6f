"""The breaker of a channel."""

from pravah_notification.channels.breaker import Breaker


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_a_failure_holds_the_channel_for_a_while() -> None:
    """Then it may be tried again, while still known as failed."""
    clock = Clock()
    breaker = Breaker(clock, first_seconds=1, most_seconds=30)
    assert not breaker.is_open
    breaker.failed("away")
    assert (breaker.is_open, breaker.wait_seconds) == (True, 1)
    clock.now = 1
    assert (breaker.is_open, breaker.wait_seconds) == (True, 0)


def test_each_failed_try_holds_twice_as_long_up_to_the_most() -> None:
    """A server that is away for long is asked seldom."""
    clock, waits = Clock(), []
    breaker = Breaker(clock, first_seconds=1, most_seconds=5)
    for _ in range(4):
        breaker.failed("away")
        waits.append(breaker.wait_seconds)
        clock.now += breaker.wait_seconds
    assert waits == [1, 2, 4, 5]


def test_many_failures_at_once_are_one() -> None:
    """Eight connections that break together are one outage."""
    breaker = Breaker(Clock(), first_seconds=1)
    for _ in range(8):
        breaker.failed("away")
    assert breaker.wait_seconds == 1


def test_an_answer_closes_it() -> None:
    """And the next failure starts from the beginning."""
    clock = Clock()
    breaker = Breaker(clock, first_seconds=1)
    breaker.failed("away")
    clock.now = 1
    breaker.failed("away")
    breaker.worked()
    assert (breaker.is_open, breaker.wait_seconds) == (False, 0)
    breaker.failed("away")
    assert breaker.wait_seconds == 1
