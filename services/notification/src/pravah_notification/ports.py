"""What the stream asks of its stores.

`store` has the real ones; the tests' fakes pass the same contract suite (tests/test_store.py).

Every method is safe to repeat and raises Transient when the store did not confirm.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from pravah_notification.model import Entry, Known, StoredCourse, StoredPerson


class LedgerWrites(Protocol):
    """The ledger, as far as the stream needs it."""

    async def insert(self, entries: Sequence[Entry]) -> set[str]:
        """Insert entries that are not there yet; return the ids that this call inserted."""
        ...

    async def waiting(self, entry_ids: Iterable[str]) -> list[Entry]:
        """Return those of the entries that wait."""
        ...

    async def waiting_for(
        self,
        learner_ids: Sequence[str],
        course_ids: Sequence[str],
        limit: int,
        *,
        erased_ids: Sequence[str] = (),
    ) -> list[Entry]:
        """Return up to `limit` entries that miss one of these people or courses.

        Of learners in `erased_ids` all that wait: whatever they miss, they are not to be told.
        """
        ...

    async def waiting_after(self, entry_id: str, limit: int) -> list[Entry]:
        """Return the next waiting entries in the order of their ids, after `entry_id`."""
        ...

    async def settle(self, entries: Sequence[Entry]) -> int:
        """Move waiting entries on as decided; return how many this call changed."""
        ...


class Knowledge(Protocol):
    """People and courses, as far as the stream needs them."""

    async def keep_people(self, people: Sequence[StoredPerson]) -> None:
        """Keep the newest version of each. Any order, any repetition; erasure is for ever."""
        ...

    async def keep_courses(self, courses: Sequence[StoredCourse]) -> None:
        """Keep the newest version of each. Any order, any repetition."""
        ...

    async def known(self, entries: Sequence[Entry]) -> Known:
        """Return what is here of what these entries speak of."""
        ...
