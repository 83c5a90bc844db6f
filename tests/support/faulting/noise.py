"""What a topic may hold beside good records: poison, repeats, and records out of their order."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from faulting.readings import Reading
from pravah_shared.codec import Encoded
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.settings import Settings

POISON: tuple[tuple[bytes, list[tuple[str, bytes]]], ...] = (
    (b"\xff\x00", [("ce_type", b"\xfe")]),
    (b"{}", []),
    (b'{"learner_id": 7}', [("ce_type", b"org.pravah.learning.progressed.v1")]),
)
"""Bytes that are no event of the contract: no text, no envelope, half an envelope."""
SOILED = ("progressed", "enrolled")


@dataclass(slots=True)
class Noise:
    """Writes to the input topics past the services. `poisoned` counts what must be set aside."""

    settings: Settings
    chance: random.Random
    poisoned: int = 0
    repeated: int = 0
    _keys: list[bytes] = field(default_factory=lambda: [f"key-{n}".encode() for n in range(16)])

    async def poison(self, records: int) -> None:
        """Put poison onto the topics, on whatever partition its key leads to."""
        chosen = [self.chance.choice(POISON) for _ in range(records)]
        await self._write(
            [
                Encoded(self.chance.choice(SOILED), self.chance.choice(self._keys), value, [*named])
                for value, named in chosen
            ]
        )
        self.poisoned += records

    async def repeat(self, readings: Sequence[Reading], records: int) -> None:
        """Write earlier records once more, byte for byte, the later ones first."""
        events = [one for one in readings if one.event is not None and one.place[0] in SOILED]
        chosen = self.chance.sample(events, min(records, len(events)))
        chosen.sort(key=lambda one: one.record.timestamp_ms, reverse=True)
        await self._write(
            [
                Encoded(one.place[0], one.record.key, one.record.value, [*one.record.headers])
                for one in chosen
            ]
        )
        self.repeated += len(chosen)

    async def _write(self, records: Sequence[Encoded]) -> None:
        async with Publisher(self.settings, client_id="noise") as publisher:
            await publisher.publish_records(records)
