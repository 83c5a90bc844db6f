"""Read your own writes: wait until the stream has passed a record."""

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Self

from pravah_progress.store import Applied
from pravah_shared.events import Position
from pravah_shared.http.problems import FieldProblem, Problem

POLL_SECONDS = 0.02
"""Least time between two looks at the store, however many clients wait."""


@dataclass(frozen=True, slots=True)
class Token:
    """Where an accepted report stands in `progressed`."""

    partition: int
    offset: int

    @classmethod
    def of(cls, position: Position) -> Self:
        """Return the token of a published record."""
        return cls(position.partition, position.offset)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a token as `str` writes it.

        Raises:
            Problem: 422; it is none of ours.
        """
        match = re.fullmatch(r"(\d{1,9})\.(\d{1,18})", text)
        if match is None:
            remedy = "send the token of a POST's answer, unchanged, or leave it out"
            wrong = FieldProblem("?token", "is no read token", remedy)
            detail = "The read token cannot be read"
            raise Problem(422, "Invalid request", detail, type="invalid-request", errors=[wrong])
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        """Return the token as clients keep it."""
        return f"{self.partition}.{self.offset}"


class Watch:
    """Looks at the applied offsets for all who wait; one look serves them all."""

    def __init__(self, applied: Applied) -> None:
        self._applied = applied
        self._looking = asyncio.Lock()
        self._next_offsets: dict[int, int] = {}
        self._looked_at = float("-inf")

    async def passed(self, token: Token, wait_seconds: float) -> bool:
        """Return True once the record's effects can be read; False when the wait is over first.

        Raises:
            StoreUnavailable: the store did not answer.
        """
        deadline = time.monotonic() + wait_seconds
        while True:
            await self._look()
            if self._next_offsets.get(token.partition, 0) > token.offset:
                return True
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)

    async def _look(self) -> None:
        async with self._looking:
            if time.monotonic() - self._looked_at >= POLL_SECONDS:
                self._next_offsets = dict(await self._applied.next_offsets())
                self._looked_at = time.monotonic()
