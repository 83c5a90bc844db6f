"""Who takes part: ours and its peers, and how each is started."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import learning
from bench.parts import Parts
from bench.peers.place import Place
from pravah_cli.local.process import Launch, PartError
from pravah_cli.testing import Deployment
from pravah_shared.settings import Settings

PYTHON = Path("build/bench/bin/python")
"""Of the environment that `make bench` installs the peers into."""
GRACE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Contestant:
    """One that does the job. `program`: a module of bench.peers and its arguments; ours has none.

    `share`: of ours, the learners that it takes part with: a turn takes each some seconds.
    `in_store`: its state is in the store, where reads of learners find it; else on a local disk
    and in a changelog, which nobody else can ask.
    """

    name: str
    what: str
    program: tuple[str, ...] = ()
    share: float = 0.1
    in_store: bool = True

    def launch(self, parts: Parts, own: Deployment) -> Launch:
        """Say how to start it within its own deployment.

        Raises:
            PartError: the peers are not installed.
        """
        if not self.program:
            return parts.launch("progress-stream", own)
        if not PYTHON.exists():
            raise PartError(f"{PYTHON} is missing: run `make bench`, which installs the peers")
        module, *arguments = self.program
        return Launch(
            name=f"peer-{self.name}",
            argv=[str(PYTHON), "-m", f"bench.peers.{module}", *arguments],
            environment=_place(own, parts.state / f"{own.name}-state"),
            ready=lambda: True,
            grace_seconds=GRACE_SECONDS,
        )


OURS = Contestant("pravah", "the progress stream", share=1)
FAUST_STORE = Contestant(
    "faust_store",
    "Faust, agent per event, upsert per event",
    ("faust_store", "worker", "--without-web", "-l", "warn"),
)
PEERS = (
    FAUST_STORE,
    Contestant(
        "faust_table",
        "Faust, agent per event, table on RocksDB",
        ("faust_table", "worker", "--without-web", "-l", "warn"),
        share=0.25,
        in_store=False,
    ),
    Contestant(
        "quix",
        "Quix Streams, state store, at least once",
        ("quix", "at-least-once"),
        share=1,
        in_store=False,
    ),
    Contestant(
        "quix_once",
        "Quix Streams, state store, exactly once",
        ("quix", "exactly-once"),
        share=1,
        in_store=False,
    ),
    Contestant("faststream", "FastStream, upsert per event", ("faststream_store",), share=0.05),
    Contestant("aiokafka", "aiokafka, upsert per event", ("aiokafka_store",)),
)


def _place(own: Deployment, state: Path) -> Mapping[str, str]:
    """Tell a peer where it is. Its database is dropped with the deployment's."""
    settings = own.settings(Settings, mongo_database=f"{own.name}_peer")
    state.mkdir(parents=True, exist_ok=True)
    place = Place(
        kafka=settings.kafka_bootstrap,
        prefix=settings.topic_prefix,
        group=f"{settings.group_prefix}peer",
        mongo_uri=settings.mongo_uri,
        database=settings.mongo_database,
        state_dir=str(state),
        required=[unit.unit_id for unit in learning.course().units],
    )
    return {"BENCH_PLACE": json.dumps(asdict(place))}
