"""Whether what was measured did its work: the store and the topics against what was sent."""

from collections import Counter

from bench import learning
from bench.documents import document_id, steps
from bench.results import WrongOutput
from pravah_shared.codec import decode
from pravah_shared.events import Completed
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.mongo import Collection
from pravah_shared.settings import Settings


async def documents_hold(collection: Collection, learners: int, turns: int) -> None:
    """Compare every document's units with what its learner reported in so many turns.

    Raises:
        WrongOutput: names the first learner whose document differs.
    """
    held = {}
    async for found in steps(collection, learners, {"facts": 1}):
        held.update({document["_id"]: document["facts"]["_"]["content"] for document in found})
    for learner in range(learners):
        id_ = document_id(learner)
        if held.get(id_) != learning.content(learner, turns):
            raise WrongOutput(f"document {id_} in {collection.name} is not what was sent")
    if (count := await collection.count({})) != learners:
        raise WrongOutput(f"{collection.name} holds {count} documents of {learners} learners")


async def announcements_hold(settings: Settings, learners: int, turns: int) -> None:
    """Compare what was announced: all started, those through the course completed, each once.

    Raises:
        WrongOutput: something is missing, doubled or a dead letter.
    """
    records = []
    async with TopicReader(settings, ["completed", "progress.dead"]) as reader:
        while read := await reader.read(wait_seconds=2):
            records += read
    dead = sum(record.topic != "completed" for record in records)
    events = [decode(record) for record in records if record.topic == "completed"]
    completed = Counter(event.subject for event in events if isinstance(event.data, Completed))
    through = [
        learning.learner_id(learner)
        for learner in range(learners)
        if learning.completes(learner, turns)
    ]
    started = len(events) - completed.total()
    if dead or started != learners or completed != Counter(through):
        raise WrongOutput(
            f"{started} of {learners} started, {completed.total()} of {len(through)} completed, "
            f"{dead} dead letters"
        )
