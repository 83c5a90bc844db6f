"""How much is measured: the whole table, or a fast look."""

from dataclasses import dataclass

CONNECTIONS = 64
"""Keep-alive connections of the load generator: requests that wait for Kafka together."""
MOST_REQUESTS = 200_000
"""Bound of one turn of ingest, whatever its seconds bring."""
BATCH = 500
"""Records handled together: the services' default, PRAVAH_BATCH_RECORDS."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Turns, and how long each takes.

    `learners` is also the number of events in a turn of the stream: one for each.
    """

    ingest_turns: int
    ingest_seconds: float
    stream_turns: int
    learners: int


FULL = Effort(ingest_turns=7, ingest_seconds=5, stream_turns=5, learners=20_000)
QUICK = Effort(ingest_turns=3, ingest_seconds=1.5, stream_turns=3, learners=5_000)
