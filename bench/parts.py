"""What a run stands on: broker, store, token issuer, and the processes that are measured."""

import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from pravah_cli.local.http import ok
from pravah_cli.local.ports import free_port
from pravah_cli.local.process import Launch, await_ready, spawn, stop
from pravah_cli.local.running import Running, recall
from pravah_cli.stack.processes import process_named
from pravah_cli.testing import Deployment, Stack
from pravah_cli.testing.stack import Flavour, describe, detect, running
from pravah_shared.kafka.cleanup import delete_topics
from pravah_shared.kafka.topics import apply
from pravah_shared.mongo import Database
from pravah_shared.settings import Settings

PARTITIONS = 4
"""Of learner topics, where a measurement does not say otherwise."""
DROP_SECONDS = 300.0
"""To drop a database of a million documents; no service ever waits so long for its store."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a run. `state` holds data, logs and the issuer's key until the run ends."""

    stack: Stack
    issuer: str
    state: Path
    named: str

    @property
    def store(self) -> Running | None:
        """The store's process, to look at its CPU time; None if it was given."""
        return recall(self.state).get("mongo")

    def launch(self, name: str, own: Deployment) -> Launch:
        """Say how to start a progress process, for example `progress-api`, within `own`."""
        process = process_named(name)
        settings = own.environment(process.service, oidc_issuer=self.issuer)
        # `launch` puts the service's name behind the database's, as `own` has done.
        names = {process.port_setting: str(free_port()), "PRAVAH_MONGO_DATABASE": own.name}
        return process.launch({**settings, **names})


def flavour() -> Flavour:
    """Return where broker and store run: as given by settings, else on this machine.

    Never in containers: their network and disk would be measured, too.
    """
    return "given" if detect(os.environ) == "given" else "local"


@contextmanager
def brought_up(state: Path) -> Iterator[Parts]:
    """Bring the parts up on free ports, yield them, take down what was brought up.

    Raises:
        PartError: something is not installed or does not start; the message says what to do.
    """
    chosen, port = flavour(), free_port()
    issuer = f"http://127.0.0.1:{port}"
    environment = {
        "PRAVAH_STATE_DIR": str(state),
        "PRAVAH_OIDC_ISSUER": issuer,
        "PRAVAH_ISSUER_PORT": str(port),
    }
    launch = python("issuer", ["-m", "pravah_cli.local.issuer"], port, environment)
    with running(chosen, state) as stack, served(launch, state):
        yield Parts(stack, issuer, state, describe(chosen))


def python(name: str, arguments: list[str], port: int, environment: Mapping[str, str]) -> Launch:
    """Say how to start a Python process that answers /healthz."""
    return Launch(
        name=name,
        argv=[sys.executable, *arguments],
        environment=environment,
        ready=lambda: ok(port, "/healthz"),
        ports={"PORT": port},
    )


@contextmanager
def served(launch: Launch, state: Path, *, wait: bool = True) -> Iterator[Running]:
    """Run a process for the length of the block; with `wait`, once it is ready."""
    process = spawn(launch, state)
    try:
        if wait:
            await_ready(process, launch, state)
        yield process
    finally:
        stop(process, state)


@asynccontextmanager
async def deployment(
    parts: Parts, name: str, partitions: int = PARTITIONS
) -> AsyncIterator[Deployment]:
    """Yield names of a measurement's own on the parts, topics applied; drop them afterwards."""
    own = Deployment(f"bench-{name}-{uuid4().hex[:8]}", parts.stack, parts.state)
    settings = own.settings(Settings, partitions=partitions)
    await apply(settings)
    try:
        yield own
    finally:
        await delete_topics(settings)
        for database_name in own.databases:
            database = Database.connect(
                parts.stack.mongo_uri, database_name, deadline_seconds=DROP_SECONDS
            )
            await database.drop()
            await database.close()
