"""`python -m bench.load`: the load generator, a process of its own. Loopback only.

Reads a `Plan` as JSON from standard input, holds its connections open and keeps one request under
way on each until the seconds or the requests are used up, then prints a `Report` as JSON.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import cycle, islice
from statistics import quantiles

import aiohttp
import uvloop

from bench import learning

HOST = "127.0.0.1"
PATH = "/v1/progress"
ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send. `tokens` has one access token per learner, in the order of their numbers."""

    port: int
    tokens: list[str]
    connections: int
    seconds: float
    most_requests: int


@dataclass(frozen=True, slots=True)
class Report:
    """What came back. `statuses` counts answers by HTTP status.

    `began` is on the machine's monotonic clock, which all its processes share.
    """

    began: float
    seconds: float
    p50_ms: float
    p99_ms: float
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """All answers."""
        return sum(self.statuses.values())


async def run(plan: Plan) -> Report:
    """Send until the plan is used up.

    Raises:
        aiohttp.ClientError: a connection failed; no figure of this run counts.
    """
    statuses: Counter[str] = Counter()
    latencies: list[float] = []
    made = _made(plan)  # before the clock runs
    requests = islice(cycle(made), plan.most_requests)
    connector = aiohttp.TCPConnector(limit=plan.connections)
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with aiohttp.ClientSession(
        f"http://{HOST}:{plan.port}", connector=connector, timeout=timeout
    ) as session:
        began = time.perf_counter()

        async def connection() -> None:
            while time.perf_counter() < began + plan.seconds:
                request = next(requests, None)
                if request is None:
                    return
                headers, body = request
                sent = time.perf_counter()
                async with session.post(PATH, data=body, headers=headers) as answer:
                    await answer.read()
                latencies.append(time.perf_counter() - sent)
                statuses[str(answer.status)] += 1

        await asyncio.gather(*(connection() for _ in range(plan.connections)))
        seconds = time.perf_counter() - began
    cuts = [1000 * cut for cut in quantiles(latencies, n=100)]
    return Report(began, seconds, cuts[49], cuts[98], dict(statuses))


def _made(plan: Plan) -> list[tuple[dict[str, str], bytes]]:
    """Return headers and bodies: each learner in turn passes a unit, then all the next unit."""
    headers = [_headers(token) for token in plan.tokens]
    return [
        (own, body_of(learner, unit))
        for unit in range(learning.UNITS)
        for learner, own in enumerate(headers)
    ]


def _headers(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "content-type": "application/json"}


def body_of(learner: int, unit: int, at: datetime = learning.START) -> bytes:
    """Return what a client app sends: one update of one unit."""
    update = {
        "unit_id": learning.unit_id(unit),
        "status": 2,
        "spent_seconds": 300,
        "at": at.isoformat().replace("+00:00", "Z"),
    }
    report = {
        "learner_id": learning.learner_id(learner),
        "course_id": learning.COURSE_ID,
        "device_id": learning.DEVICE_ID,
        "updates": [update],
    }
    return json.dumps(report, separators=(",", ":")).encode()


if __name__ == "__main__":
    wanted = Plan(**json.load(sys.stdin))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(run(wanted)))))
