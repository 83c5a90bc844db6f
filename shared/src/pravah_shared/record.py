"""What comes out of Kafka, before anybody has looked into it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """Bytes at topic, partition, offset, as they came from Kafka.

    `topic` is without the deployment's prefix; `timestamp_ms` is the broker's append time.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp_ms: int = 0
