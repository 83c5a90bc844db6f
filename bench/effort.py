"""How much is measured: the whole table, or a fast look."""

from dataclasses import dataclass

CONNECTIONS = 64
"""Keep-alive connections of the load generator: requests that wait for Kafka together."""
MOST_REQUESTS = 200_000
"""Bound of one turn of ingest, whatever its seconds bring."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Turns, and how long each takes.

    `learners` is also the number of events in a turn of the stream: one for each. Peers take part
    with a share of them (bench/contest/contestants.py).
    """

    ingest_turns: int
    ingest_seconds: float
    stream_turns: int
    learners: int
    race_turns: int
    kills: int
    latency_seconds: float
    growth_turns: int
    many_enrollments: int
    """The larger size of `cost_growth`; as many events tell `rss_mb`."""
    intake_turns: int
    intake_records: int

    @property
    def steps(self) -> int:
        """How many steps the run tells of."""
        turns = self.ingest_turns + self.stream_turns + self.race_turns + self.growth_turns
        return turns + self.intake_turns + 3


FULL = Effort(
    ingest_turns=5,
    ingest_seconds=4,
    stream_turns=5,
    learners=20_000,
    race_turns=3,
    kills=3,
    latency_seconds=20,
    growth_turns=5,
    many_enrollments=1_000_000,
    intake_turns=5,
    intake_records=50_000,
)
QUICK = Effort(
    ingest_turns=3,
    ingest_seconds=1.5,
    stream_turns=3,
    learners=5_000,
    race_turns=1,
    kills=1,
    latency_seconds=8,
    growth_turns=2,
    many_enrollments=100_000,
    intake_turns=3,
    intake_records=10_000,
)
