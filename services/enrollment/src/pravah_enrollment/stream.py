"""Kafka in: completions, so that a completed course cannot be withdrawn any more."""

from collections.abc import Sequence
from typing import Any

from pravah_enrollment.store import Enrollments
from pravah_shared.events import Completed, Event
from pravah_shared.processing.handler import Outcome


class CompletionHandler:
    """Records completions on their terms. A withdrawal that raced one yields to it.

    Other events of the topic are of no use here. A completion without a term here is left alone:
    every term is written before it is announced, so there is none to wait for.
    """

    topics = frozenset({"completed"})

    def __init__(self, enrollments: Enrollments) -> None:
        self._enrollments = enrollments

    async def handle(self, batch: Sequence[Event[Any]]) -> Outcome:
        """Record the batch's completions in one bulk. Safe to repeat."""
        await self._enrollments.record_completions(
            [event.data for event in batch if isinstance(event.data, Completed)]
        )
        return Outcome()

    async def sweep(self) -> Outcome:
        """Nothing waits here for another record."""
        return Outcome()
