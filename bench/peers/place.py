"""Where a peer finds its broker, its topics, its store and the units of the course."""

import json
import os
from dataclasses import dataclass
from typing import Self

SESSION_SECONDS = 10
"""After this silence a killed member's partitions go to its successor; as long as for ours."""


@dataclass(frozen=True, slots=True)
class Place:
    """Told by the bench in `BENCH_PLACE`, as JSON."""

    kafka: str
    prefix: str
    """Of every topic."""
    group: str
    mongo_uri: str
    database: str
    state_dir: str
    """A directory of its own, kept over restarts."""
    required: list[str]
    """Unit ids of the course that must be done."""

    @classmethod
    def told(cls) -> Self:
        """Read it from the environment."""
        return cls(**json.loads(os.environ["BENCH_PLACE"]))

    def topic(self, name: str) -> str:
        """Return a topic's full name."""
        return f"{self.prefix}{name}"
