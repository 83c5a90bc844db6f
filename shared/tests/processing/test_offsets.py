"""Offsets: only done, only still owned, only growing."""

from hypothesis import given
from hypothesis import strategies as st

from pravah_shared.processing.offsets import Offsets


def test_done_offsets_are_due_once() -> None:
    """What the broker confirmed is not sent again."""
    offsets: Offsets[str] = Offsets()
    offsets.assign(["a", "b"])
    offsets.done(offsets.epoch, {"a": 5})
    assert offsets.due() == {"a": 5}
    offsets.committed(offsets.epoch, {"a": 5})
    assert offsets.due() == {}


def test_a_refused_commit_stays_due() -> None:
    """The next one makes up for it, though no record came."""
    offsets: Offsets[str] = Offsets()
    offsets.assign(["a"])
    offsets.done(offsets.epoch, {"a": 5})
    assert offsets.due() == offsets.due() == {"a": 5}


def test_a_batch_of_an_earlier_epoch_says_nothing() -> None:
    """Another member may have committed further meanwhile; our number would set it back."""
    offsets: Offsets[str] = Offsets()
    offsets.assign(["a"])
    fetched_in = offsets.epoch
    offsets.assign([])
    offsets.assign(["a"])
    offsets.done(fetched_in, {"a": 5})
    offsets.committed(fetched_in, {"a": 9})
    assert offsets.due() == {}
    assert offsets.next_offset("a") is None


def test_a_partition_never_owned_is_never_due() -> None:
    """Committing for others is what a zombie does."""
    offsets: Offsets[str] = Offsets()
    offsets.assign(["a"])
    offsets.done(offsets.epoch, {"b": 5})
    assert offsets.due() == {}


@given(st.lists(st.integers(min_value=0, max_value=9)))
def test_offsets_only_grow(numbers: list[int]) -> None:
    """Whatever order batches end in."""
    offsets: Offsets[str] = Offsets()
    offsets.assign(["a"])
    sent: list[int] = []
    for number in numbers:
        offsets.done(offsets.epoch, {"a": number})
        if due := offsets.due():
            sent.append(due["a"])
            offsets.committed(offsets.epoch, due)
    assert sent == sorted(set(sent))
    assert sent[-1:] == ([max(numbers)] if numbers else [])
