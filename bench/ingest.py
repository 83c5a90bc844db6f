"""Ingest: requests per CPU second of the progress API beside a FastAPI route that does nothing.

And beside that route, the limit: the same server and publisher with nothing in between. Each is one
process on the same server settings, driven in turns by the same load generator. CPU time is the
served process's own, user and system, from /proc: broker, store and load generator are other
processes.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict

from bench import learning
from bench.effort import CONNECTIONS, MOST_REQUESTS, Effort
from bench.load import Plan, Report
from bench.machine import cpu_seconds
from bench.parts import Parts, deployment, python, served
from bench.results import Pair, Result, WrongOutput
from bench.screen import Steps
from pravah_cli.local.issuer.tokens import Bearer, mint
from pravah_cli.local.ports import free_port
from pravah_cli.local.process import Launch
from pravah_cli.testing import Deployment
from pravah_progress.settings import ProgressSettings
from pravah_progress.store import Store
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.mongo import Database

LEARNERS = 200
"""Each with a token of their own, known to the API after the warm-up, as in a busy hour."""
WARM_UP_SECONDS = 1.5
ACCEPTED = "202"
TARGET = 1.2
"""Least ratio: durable, tokens checked, and still cheaper than the framework's empty route."""


async def measure(parts: Parts, effort: Effort, steps: Steps) -> list[Result]:
    """Measure in turns.

    Raises:
        WrongOutput: an answer was not 202, or a topic lacks what was accepted.
    """
    async with deployment(parts, "ingest") as own, deployment(parts, "bare") as bare:
        await _put_course(own)
        with ExitStack() as running:
            launches = (
                parts.launch("progress-api", own),
                _server("do-nothing route", "bench.noop", {}),
                _server("bare publisher", "bench.bare", bare.environment("progress")),
            )
            sides = [
                _Side(launch, running.enter_context(served(launch, parts.state)).pid, tokens)
                for tokens in [_tokens(parts, own)]
                for launch in launches
            ]
            for side in sides:
                steps.tell(f"ingest: warming up {side.launch.name}")
                await side.run(WARM_UP_SECONDS)
            turns = []
            for turn in range(effort.ingest_turns):
                steps.tell(f"ingest: turn {turn + 1} of {effort.ingest_turns}")
                turns.append([await side.run(effort.ingest_seconds) for side in sides])
                steps.advance()
            api, _, publisher = sides
            await _check(own, api)
            await _check(bare, publisher)
    ours = tuple(Pair(rate, noop) for rate, noop, _ in turns)
    limit = tuple(Pair(rate, noop) for _, noop, rate in turns)
    return [
        Result("ingest_vs_noop", "requests/CPU s", ours, TARGET),
        Result("ingest_limit", "requests/CPU s", limit, note="server and publisher alone"),
    ]


class _Side:
    """One of the servers, and what it has answered so far."""

    def __init__(self, launch: Launch, pid: int, tokens: list[str]) -> None:
        self.launch = launch
        self.accepted = 0
        self._pid = pid
        self._tokens = tokens

    async def run(self, seconds: float) -> float:
        """Load it for so long; return its requests per CPU second."""
        (port,) = self.launch.ports.values()
        plan = Plan(port, self._tokens, CONNECTIONS, seconds, MOST_REQUESTS)
        before = cpu_seconds(self._pid)
        report = await _generate(plan)
        used = cpu_seconds(self._pid) - before
        if set(report.statuses) != {ACCEPTED}:
            raise WrongOutput(f"{self.launch.name} answered {report.statuses}, not only 202")
        self.accepted += report.answered
        return report.answered / used


async def _generate(plan: Plan) -> Report:
    """Run the load generator to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.load",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(json.dumps(asdict(plan)).encode())
    if process.returncode:
        raise WrongOutput(f"the load generator failed with code {process.returncode}")
    return Report(**json.loads(said))


async def _put_course(own: Deployment) -> None:
    """Let the API know the course, so that it checks each report's units against it."""
    settings = own.settings(ProgressSettings)
    database = Database.connect(settings.mongo_uri, settings.mongo_database)
    try:
        await Store.on(database).courses.put([learning.course()])
    finally:
        await database.close()


def _server(name: str, module: str, environment: Mapping[str, str]) -> Launch:
    port = free_port()
    return python(name, ["-m", module, str(port)], port, environment)


def _tokens(parts: Parts, own: Deployment) -> list[str]:
    settings = own.settings(ProgressSettings, oidc_issuer=parts.issuer)
    bearers = [Bearer("learner", learning.learner_id(number)) for number in range(LEARNERS)]
    return [mint(bearer, settings, parts.state) for bearer in bearers]


async def _check(own: Deployment, side: _Side) -> None:
    """Count the topic: what was accepted is in Kafka, once."""
    found = 0
    async with TopicReader(own.settings(ProgressSettings), ["progressed"]) as reader:
        while records := await reader.read(wait_seconds=2):
            found += len(records)
    if found != side.accepted:
        raise WrongOutput(f"{side.accepted} reports were accepted, the topic holds {found}")
