"""What the stream asks of the outside.

`store` and `pravah_shared.keys` are the real parts; the tests' fake of the store passes the
same contract suite (tests/test_store.py).

Every method may be repeated, and raises Transient when the outside did not confirm.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pravah_certificate.model import Certificate, Completion, Course, Person, Verdict
from pravah_certificate.rules import Facts
from pravah_shared.keys import LearnerKey


class Keys(Protocol):
    """The key store, as far as this service needs it."""

    async def get_many(self, learner_ids: Iterable[str]) -> Mapping[str, LearnerKey | None]:
        """Return learners' keys: None means erased, absent means unknown."""
        ...


class People(Protocol):
    """People as received."""

    async def people(self, learner_ids: Collection[str]) -> Mapping[str, Person]:
        """Return who of them is known, erased ones included."""
        ...


class Inputs(People, Protocol):
    """Completions, people and courses. Reads see every write that was confirmed before."""

    async def prepare(self) -> None:
        """Make sure of the indexes. Costs nothing once done."""
        ...

    async def save(self, facts: Facts, now: datetime) -> None:
        """Keep a batch's facts. An older version never overwrites, erasure is final."""
        ...

    async def completions(self, ids: Collection[str]) -> list[Completion]:
        """Return these completions."""
        ...

    async def waiting_of(self, learner_ids: Collection[str], limit: int) -> list[Completion]:
        """Return completions of these learners that wait for something."""
        ...

    async def behind(self, courses: Collection[Course], limit: int) -> list[Completion]:
        """Return completions that were not judged by these versions of their courses yet."""
        ...

    async def take_waiting(
        self, unseen_since: datetime, now: datetime, limit: int
    ) -> list[Completion]:
        """Take completions that wait and were not looked at since then; they count as seen."""
        ...

    async def record(self, verdicts: Sequence[Verdict]) -> None:
        """Write verdicts to their completions. One made on older facts never overwrites."""
        ...

    async def courses(self, course_ids: Collection[str]) -> Mapping[str, Course]:
        """Return the newest versions of these courses."""
        ...

    async def unreconciled(self, limit: int) -> list[Course]:
        """Return courses with completions that may not have been judged by their version."""
        ...

    async def mark_reconciled(self, courses: Collection[Course]) -> None:
        """Note that all completions were judged by these very versions."""
        ...


class Certificates(Protocol):
    """What was issued: one certificate per key, for ever."""

    async def prepare(self) -> None:
        """Make sure of the indexes. Costs nothing once done."""
        ...

    async def insert(self, certificates: Sequence[Certificate]) -> frozenset[str]:
        """Insert those whose place is free; return the keys that this call filled."""
        ...

    async def find(self, keys: Collection[str]) -> Mapping[str, Certificate]:
        """Return the certificates in these places."""
        ...

    async def unannounced(self, issued_before: datetime, limit: int) -> list[Certificate]:
        """Return issued certificates whose event was not acknowledged since then."""
        ...

    async def mark_announced(self, keys: Collection[str]) -> None:
        """Note that Kafka has the events of these certificates."""
        ...

    async def erase(self, learner_ids: Collection[str]) -> None:
        """Drop the credentials of these learners; the non-personal record stays."""
        ...
