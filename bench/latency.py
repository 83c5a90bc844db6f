"""Latency: from sending a report over HTTP to its completion on the topic, at half load.

First the maximum of this run: the load generator sends as fast as it is answered, and the figure
is what the stream, too, has applied of it, until the last one. Then reports are sent at half of
that pace, evenly. The clock starts before the request is sent, so acceptance is in it.
"""

from dataclasses import asdict

from bench.applied import applied, reach
from bench.child import child
from bench.contest.arena import Arena, opened
from bench.contest.contestants import OURS
from bench.effort import CONNECTIONS, MOST_REQUESTS, Effort
from bench.load import Plan
from bench.load import Report as Sent
from bench.paced import Pace, Report
from bench.parts import Parts, served
from bench.results import Fact, Line, Target, WrongOutput
from bench.screen import Steps
from bench.tokens import system_token
from pravah_cli.local.running import Running
from pravah_progress.store import Store
from pravah_shared.mongo import Database

HALF = 0.5
P50_MS = 60.0
P99_MS = 250.0
ACCEPTED = "202"
LEAST_SAMPLES = 200
"""With fewer the 99th percentile is two or three completions: nothing is claimed by it."""
MAXIMUM_SHARE = 0.5
"""Of the seconds of the paced part: how long the maximum is looked for."""


async def measure(parts: Parts, effort: Effort, steps: Steps) -> list[Line]:
    """Measure once.

    Raises:
        WrongOutput: an answer was not 202, or a completion did not come.
    """
    async with opened(parts, OURS, effort.learners) as arena:
        steps.tell("latency: enrolling learners (untimed)")
        await arena.enroll()
        settings = arena.settings
        api = parts.launch("progress-api", arena.own)
        with served(api, parts.state):
            async with (
                arena.running() as stream,
                Database.connect(settings.mongo_uri, settings.mongo_database) as database,
            ):
                (port,) = api.ports.values()
                token = system_token(arena)
                steps.tell("latency: looking for the maximum")
                plan = _plan(port, token, effort)
                most = await _maximum(Store.on(database), plan, stream)
                steps.tell(f"latency: {HALF * most:,.0f} reports a second")
                pace = _pace(arena, port, token, HALF * most, effort)
                report = Report(**await child("bench.paced", asdict(pace)))
        steps.advance()
    if set(report.statuses) != {ACCEPTED} or report.missing:
        raise WrongOutput(f"answers {report.statuses}, {report.missing} completions did not come")
    return _lines(report, most)


def _lines(report: Report, most: float) -> list[Line]:
    note = f"half of {most:,.0f}/s, {report.samples:,} completions; baseline: a bare round trip"
    known = report.samples >= LEAST_SAMPLES
    return [
        Fact(
            f"latency_{name}_ms",
            "ms",
            ours,
            bare,
            Target(bound, "value", at_most=True),
            note,
            known,
        )
        for name, ours, bare, bound in (
            ("p50", report.p50_ms, report.bare_p50_ms, P50_MS),
            ("p99", report.p99_ms, report.bare_p99_ms, P99_MS),
        )
    ]


async def _maximum(store: Store, plan: Plan, stream: Running) -> float:
    """Return how many reports a second are accepted and applied with nothing held back.

    Raises:
        WrongOutput: an answer was not 202.
    """
    before = await applied(store)
    sent = Sent(**await child("bench.load", asdict(plan)))
    if set(sent.statuses) != {ACCEPTED}:
        raise WrongOutput(f"the progress API answered {sent.statuses}, not only 202")
    last = await reach(store, before + sent.answered, stream)
    return sent.answered / (last.at - sent.began)


def _plan(port: int, token: str, effort: Effort) -> Plan:
    """Say what is sent to find the maximum: reports of the first half of the learners."""
    tokens = [token] * (effort.learners // 2)
    seconds = MAXIMUM_SHARE * effort.latency_seconds
    return Plan(port, tokens, CONNECTIONS, seconds, MOST_REQUESTS)


def _pace(arena: Arena, port: int, token: str, per_second: float, effort: Effort) -> Pace:
    """Say what is sent at half load: reports of the other half."""
    prefix = arena.settings.topic_prefix
    return Pace(
        port=port,
        token=token,
        kafka=arena.settings.kafka_bootstrap,
        completed=f"{prefix}completed",
        probes=f"{prefix}assigned",
        first_learner=effort.learners // 2,
        learners=effort.learners // 2,
        per_second=per_second,
        seconds=effort.latency_seconds,
    )
