"""Where a live stream stands, carried in its event ids."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from notification_facts import NOW, occasion

from pravah_notification.channels.resume import MOST_GIVEN, OVERLAP, parse, standing_at
from pravah_notification.model import Entry


def message(name: str, seconds: float) -> Entry:
    """A message that became visible so long after NOW."""
    facts = replace(occasion(), event_id=name)
    at = NOW + timedelta(seconds=seconds)
    return Entry(facts, "inapp", "l1", state="sent", visible_at=at)


@given(
    times=st.lists(st.floats(-14, 14).map(lambda at: round(at, 3)), max_size=MOST_GIVEN),
    cuts=st.sets(st.integers(0, MOST_GIVEN)),
)
def test_each_message_is_given_once_whatever_order_they_become_visible_in(
    times: list[float], cuts: set[int]
) -> None:
    """The stream is cut and resumed by its id at any point; each turn it sees all of them."""
    messages = [message(f"e{number}", at) for number, at in enumerate(times)]
    standing, given_ids = standing_at(NOW, ()), []
    for number in range(1, len(messages) + 1):
        if number in cuts:
            standing = parse(standing.text()) or standing_at(NOW, ())
        for visible in messages[:number]:
            if not standing.has_given(visible):
                standing = standing.giving(visible)
                given_ids.append(visible.id)
    assert given_ids == [one.id for one in messages]


def test_what_was_seen_otherwise_is_not_given() -> None:
    """The list was read, then the stream begins."""
    seen, fresh = message("seen", -1), message("fresh", -2)
    standing = standing_at(NOW, [seen])
    assert standing.has_given(seen)
    assert not standing.has_given(fresh)


def test_what_is_older_than_the_overlap_is_not_given() -> None:
    """A stream that begins now is not a list of everything."""
    old = message("old", -OVERLAP.total_seconds() - 1)
    assert standing_at(NOW, []).has_given(old)


def test_an_id_stays_short() -> None:
    """It comes back as a header."""
    standing = standing_at(NOW, [message(f"e{number}", 1) for number in range(500)])
    assert len(standing.text()) < 1200


@given(text=st.text(max_size=60))
def test_what_is_no_id_of_ours_is_none(text: str) -> None:
    """Never an error: the stream then begins now."""
    parsed = parse(text)
    assert parsed is None or parse(parsed.text()) == parsed
