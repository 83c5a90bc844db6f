"""The learners' documents, in steps: all at once would outlast the store's deadline."""

from collections.abc import Sequence
from itertools import islice
from typing import TypeVar

from bench import learning
from pravah_progress.model import DocumentKey

T = TypeVar("T")

STEP = 500
"""Documents read or copied together."""


def key_of(learner: int) -> DocumentKey:
    """Return the key of a learner's document."""
    return DocumentKey(learning.learner_id(learner), learning.COURSE_ID)


def batches(items: Sequence[T], size: int = STEP) -> list[list[T]]:
    """Cut into batches of `size`; the last may be smaller."""
    rest = iter(items)
    return list(iter(lambda: list(islice(rest, size)), []))
