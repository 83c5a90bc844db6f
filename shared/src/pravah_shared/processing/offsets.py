"""Which offsets may be committed: only done, only still owned, only growing. No I/O."""

from collections.abc import Collection, Mapping
from typing import Generic, TypeVar

P = TypeVar("P")


class Offsets(Generic[P]):
    """Next offsets of the partitions owned now.

    `epoch` counts assignments. A batch fetched in one epoch says nothing in the next: its
    partitions may have been another member's in between, who committed further. Its records are
    fetched again from the committed offset and handled again, which changes nothing.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self._owned: frozenset[P] = frozenset()
        self._done: dict[P, int] = {}
        self._committed: dict[P, int] = {}

    @property
    def owned(self) -> frozenset[P]:
        """Partitions of the current assignment."""
        return self._owned

    def assign(self, partitions: Collection[P]) -> None:
        """Begin an epoch that owns exactly `partitions`; revoking is to own none."""
        self.epoch += 1
        self._owned = frozenset(partitions)
        self._done.clear()
        self._committed.clear()

    def done(self, epoch: int, next_offsets: Mapping[P, int]) -> None:
        """Note that everything before `next_offsets` is done, if it was fetched in this epoch."""
        if epoch != self.epoch:
            return
        for partition, offset in next_offsets.items():
            if partition in self._owned and offset > self._done.get(partition, -1):
                self._done[partition] = offset

    def next_offset(self, partition: P) -> int | None:
        """Return the next offset to handle, or None when nothing was done in this epoch."""
        return self._done.get(partition)

    def due(self) -> dict[P, int]:
        """Return what is done and not yet committed."""
        return {
            partition: offset
            for partition, offset in self._done.items()
            if offset > self._committed.get(partition, -1)
        }

    def committed(self, epoch: int, next_offsets: Mapping[P, int]) -> None:
        """Note what the broker confirmed."""
        if epoch == self.epoch:
            self._committed.update(next_offsets)
