"""Faust's intake: records per second of the Faust engine with our intake beside that with Faust's.

And beside the aiokafka engine. All read the same preloaded topic, in turns, each time under a
group and in a process of its own (bench.idling), with a handler that does nothing: fetching,
delivering, decoding and committing are what is measured. A turn counts if the broker says that
all of the topic is committed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from aiokafka.admin import AIOKafkaAdminClient

from bench import learning
from bench.child import child
from bench.documents import batches
from bench.effort import Effort
from bench.idling import Intake, Reading
from bench.parts import Parts, deployment
from bench.results import Line, Pair, Rate, Result, WrongOutput
from bench.screen import Steps
from pravah_shared.events import new_event
from pravah_shared.kafka.connection import client_options
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.settings import Settings

INTAKES: tuple[Intake, ...] = ("direct", "faust", "aiokafka")
CHUNK = 5_000
"""Events published by one call."""
WORTH = 1.0
"""Of Faust's own: below it, ours has no place."""

Ends = Mapping[int, int]
"""Next offsets by partition."""
Turn = Mapping[Intake, Rate]


async def measure(parts: Parts, effort: Effort, steps: Steps) -> list[Line]:
    """Measure in turns.

    Raises:
        WrongOutput: a turn was not read through, or not all of it was committed.
    """
    turns = []
    async with deployment(parts, "intake") as own:
        settings = own.settings(Settings)
        steps.tell("faust: publishing (untimed)")
        ends = await _publish(settings, effort.intake_records)
        log = parts.state / "idling.log"
        for number in range(1, effort.intake_turns + 1):
            turn: dict[Intake, Rate] = {}
            for intake in INTAKES:
                steps.tell(f"faust: turn {number} of {effort.intake_turns}, {intake}")
                reading = _reading(settings, intake, number, effort.intake_records)
                turn[intake] = Rate(**await child("bench.idling", asdict(reading), log))
                await _committed(settings, reading.group, ends)
            turns.append(turn)
            steps.advance()
    return lines(turns)


def _reading(settings: Settings, intake: Intake, number: int, records: int) -> Reading:
    return Reading(
        intake=intake,
        kafka=settings.kafka_bootstrap,
        topic_prefix=settings.topic_prefix,
        group_prefix=f"{settings.group_prefix}{intake}-{number}-",
        records=records,
    )


async def _publish(settings: Settings, records: int) -> Ends:
    now = datetime.now(UTC)
    events = [
        new_event(learning.enrolled(learner), source="/pravah/bench", time=now)
        for learner in range(records)
    ]
    ends: dict[int, int] = {}
    async with Publisher(settings, client_id="bench") as publisher:
        for chunk in batches(events, CHUNK):
            for place in await publisher.publish(chunk):
                ends[place.partition] = max(ends.get(place.partition, 0), place.offset + 1)
    return ends


async def _committed(settings: Settings, group: str, ends: Ends) -> None:
    """Raise WrongOutput unless the broker has all of the topic for committed."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    committed = {tp.partition: meta.offset for tp, meta in found.items()}
    if committed != ends:
        raise WrongOutput(f"{group} committed {committed}, the topic ends at {ends}")


def lines(turns: Sequence[Turn]) -> list[Line]:
    """Return our intake beside Faust's, and beside aiokafka, by the clock and by CPU time."""

    def against(baseline: Intake) -> Iterable[tuple[Pair, Pair]]:
        for turn in turns:
            ours, other = turn["direct"], turn[baseline]
            yield (
                Pair(ours.per_second, other.per_second),
                Pair(ours.per_cpu_second, other.per_cpu_second),
            )

    walls, cpus = zip(*against("faust"), strict=True)
    plain_walls, plain_cpus = zip(*against("aiokafka"), strict=True)
    own, plain = "baseline: Faust's own intake", "baseline: the aiokafka engine"
    return [
        Result("faust_intake", "records/s", walls, WORTH, own),
        Result("faust_intake_cpu", "records/CPU s", cpus, WORTH, own),
        Result("faust_vs_aiokafka", "records/s", plain_walls, None, plain),
        Result("faust_vs_aiokafka_cpu", "records/CPU s", plain_cpus, None, plain),
    ]
