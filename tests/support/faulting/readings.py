"""What stands on the topics of progress, record by record, as anybody may read it."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pravah_shared.codec import decode
from pravah_shared.errors import Undecodable
from pravah_shared.events import Completed, Event
from pravah_shared.events.enrollment import OfTerm
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.record import Record

Place: TypeAlias = tuple[str, int]
"""(topic without prefix, partition)"""

Term: TypeAlias = tuple[str, str, int]
"""(learner_id, course_id, term)"""

INPUTS = ("enrolled", "courses", "progressed")
OUTPUT = "completed"
DEAD = "progress.dead"


@dataclass(frozen=True, slots=True)
class Reading:
    """A record, and the event in it; None: it holds none, so it is poison."""

    record: Record
    event: Event[Any] | None

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.record.topic, self.record.partition

    @property
    def name(self) -> str:
        """Topic, partition and offset, for a person to find it."""
        return f"{self.record.topic}/{self.record.partition}@{self.record.offset}"

    @classmethod
    def of(cls, record: Record) -> "Reading":
        """Read a record."""
        try:
            return cls(record, decode(record))
        except Undecodable:
            return cls(record, None)


@dataclass(slots=True)
class Book:
    """All records so far. `inputs` by place, in the order of their offsets."""

    inputs: dict[Place, list[Reading]] = field(default_factory=dict)
    completed: list[Reading] = field(default_factory=list)
    told: set[Term] = field(default_factory=set)
    """Terms whose completion stands on the topic."""
    dead: list[Record] = field(default_factory=list)

    async def read_on(self, reader: TopicReader) -> None:
        """Take in everything that was on the topics when this was called."""
        while True:
            for record in await reader.read(wait_seconds=0.05):
                self._take(record)
            if await reader.at_end():
                return

    def _take(self, record: Record) -> None:
        if record.topic == DEAD:
            self.dead.append(record)
        elif record.topic == OUTPUT:
            reading = Reading.of(record)
            self.completed.append(reading)
            if reading.event is not None and isinstance(reading.event.data, Completed):
                self.told.add(term_of(reading.event.data))
        else:
            self.inputs.setdefault((record.topic, record.partition), []).append(Reading.of(record))

    def between(self, since: Mapping[Place, int], to: Mapping[Place, int]) -> Iterator[Reading]:
        """Yield the input records from these offsets on, up to those."""
        for place, readings in self.inputs.items():
            for reading in readings[index_of(readings, since.get(place, 0)) :]:
                if reading.record.offset >= to.get(place, 0):
                    break
                yield reading

    def beyond(self, offsets: Mapping[Place, int]) -> int:
        """Count the input records that these offsets have not passed."""
        return sum(
            len(readings) - index_of(readings, offsets.get(place, 0))
            for place, readings in self.inputs.items()
        )

    def below(self, offsets: Mapping[Place, int]) -> Iterator[Reading]:
        """Yield the input records that a group with these committed offsets has passed."""
        return self.between({}, offsets)

    def all_inputs(self) -> Iterator[Reading]:
        """Yield every input record."""
        for readings in self.inputs.values():
            yield from readings

    def buried(self) -> dict[tuple[str, int, int], int]:
        """Return how many dead letters there are by the place and offset they came from."""
        found: dict[tuple[str, int, int], int] = {}
        for letter in self.dead:
            notes = {name: text.decode() for name, text in letter.headers if name[:5] == "dead-"}
            origin = (
                notes["dead-topic"],
                int(notes["dead-partition"]),
                int(notes["dead-offset"]),
            )
            found[origin] = found.get(origin, 0) + 1
        return found


def index_of(readings: Sequence[Reading], offset: int) -> int:
    """Return where the records from an offset on begin."""
    return bisect_left(readings, offset, key=lambda reading: reading.record.offset)


def term_of(announced: OfTerm) -> Term:
    """Return whose enrollment an announcement is about."""
    return announced.learner_id, announced.course_id, announced.term


def origin_of(reading: Reading) -> tuple[str, int, int]:
    """Return what a dead letter of this record names as its origin."""
    return (*reading.place, reading.record.offset)
