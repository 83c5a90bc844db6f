"""The limit on dead letters: a flood of them is our fault, not the records'."""

from collections import deque

from pravah_shared.errors import BreakerOpen

WINDOW_RECORDS = 1_000
MOST_SHARE = 0.1
"""A writer that breaks the contract poisons most of what it writes; honest poison is rare."""


class Breaker:
    """Counts the last records and opens when too many of them were dead letters.

    The share is of the full window, so that the first few records of a process cannot open it.
    Once open it stays open: only a new process starts over.
    """

    def __init__(
        self, *, window_records: int = WINDOW_RECORDS, most_share: float = MOST_SHARE
    ) -> None:
        self._window: deque[bool] = deque(maxlen=window_records)
        self._most = int(window_records * most_share)
        self._dead = 0

    def handled(self, records: int) -> None:
        """Count records that were handled well."""
        if not self._dead:
            self._window.extend([False] * records)  # what they push out was not dead either
            return
        for _ in range(records):
            self._push(dead=False)

    def dead(self) -> None:
        """Count a record about to become a dead letter.

        Raises:
            BreakerOpen: it would be one too many. It must not be published, nor its offset pass.
        """
        if self._dead >= self._most:
            msg = (
                f"{self._dead} of the last {self._window.maxlen} records became dead letters; "
                "look at them (pravah dlq list), fix the writer or this reader, then restart"
            )
            raise BreakerOpen(msg)
        self._push(dead=True)

    def _push(self, *, dead: bool) -> None:
        if len(self._window) == self._window.maxlen:
            self._dead -= self._window[0]
        self._window.append(dead)
        self._dead += dead
