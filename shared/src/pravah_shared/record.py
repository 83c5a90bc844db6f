"""What comes out of Kafka, before anybody has looked into it."""

from typing import NamedTuple


class Record(NamedTuple):
    """Bytes at topic, partition, offset, as they came from Kafka.

    `topic` is without the deployment's prefix; `timestamp_ms` is the broker's append time.
    A tuple, as `Event` is: both are built for each record, and a frozen dataclass costs three times
    as much to build.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp_ms: int = 0
