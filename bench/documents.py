"""The learners' documents, read in steps: all at once would outlast the store's deadline."""

from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from bench import learning
from bench.effort import BATCH
from pravah_shared.mongo import Collection, Document

T = TypeVar("T")


async def steps(
    collection: Collection, learners: int, projection: Mapping[str, Any] | None = None
) -> AsyncIterator[list[Document]]:
    """Yield the documents of all learners, BATCH at a time; those that are missing are left out."""
    for ids in batches([document_id(learner) for learner in range(learners)]):
        yield await collection.find({"_id": {"$in": ids}}, projection=projection)


def document_id(learner: int) -> str:
    """Return the `_id` of a learner's document."""
    return f"{learning.learner_id(learner)}|{learning.COURSE_ID}"


def batches(items: Sequence[T]) -> list[list[T]]:
    """Cut into batches of BATCH."""
    rest = iter(items)
    return list(iter(lambda: list(islice(rest, BATCH)), []))
