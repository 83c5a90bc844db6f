"""Whether what was measured did its work: the store and the topics against what was sent."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bench import learning
from bench.contest.judging import Completion, completion_in, judge
from bench.documents import batches, key_of
from bench.results import WrongOutput
from pravah_progress.model import Document
from pravah_progress.rules import view
from pravah_progress.store import Store
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.record import Record
from pravah_shared.settings import Settings

COURSE = learning.course()


async def documents_hold(store: Store, learners: Sequence[int], turns: int) -> None:
    """Compare what learners would read of their units with what they reported in so many turns.

    Raises:
        WrongOutput: names the first learner whose document differs.
    """
    for step in batches(learners):
        found = await store.documents.read([key_of(learner) for learner in step])
        held = {document["learner_id"]: _passed(document) for document in found}
        for learner in step:
            if held.get(learning.learner_id(learner)) != learning.passed(learner, turns):
                raise WrongOutput(f"document {key_of(learner)} is not what was sent")


async def announcements_hold(
    settings: Settings, expected: Mapping[str, datetime], enrolled: int
) -> None:
    """Compare what was announced: all started, those through the course completed, each once.

    Raises:
        WrongOutput: something is missing, doubled or a dead letter.
    """
    records = await announced(settings, ["completed", "progress.dead"])
    dead = sum(record.topic != "completed" for record in records)
    found = [completion for record in records if (completion := completion_in(record))]
    started = len(records) - dead - len(found)
    verdict = judge(expected, found)
    if dead or started != enrolled or verdict.faults or verdict.repeated:
        raise WrongOutput(f"{started} of {enrolled} started, {verdict}, {dead} dead letters")


async def completions(settings: Settings) -> list[Completion]:
    """Return all completions on the topic, those of aborted transactions left out."""
    records = await announced(settings, ["completed"])
    return [completion for record in records if (completion := completion_in(record))]


async def announced(settings: Settings, topics: Sequence[str]) -> list[Record]:
    """Return all records of `topics`."""
    records: list[Record] = []
    async with TopicReader(settings, topics) as reader:
        while not await reader.at_end():
            records += await reader.read()
    return records


def _passed(document: Document) -> dict[str, tuple[datetime, int]]:
    (enrollment,) = view(document, COURSE).enrollments
    return {
        unit.unit_id: (unit.passed_at, unit.spent_seconds)
        for unit in enrollment.units
        if unit.passed_at is not None
    }
