"""Erasing a learner: two stores, so three steps, each safe to repeat.

(1) Mark the learner: from here on they answer 410 and nothing more is saved. (2) Destroy their
key, after which no copy anywhere can be read. (3) Remove our copy and leave the tombstone to the
relay. A process that dies in between leaves the mark, and any API process goes on from it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pravah_enrollment.store import Learners, Stamp
from pravah_shared.keys import KeyStore
from pravah_shared.processing.retry import Retry
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

FINISHED_TOGETHER = 100
"""Erasures that one look picks up. More than one is rare."""


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases learners, and finishes what others began."""

    learners: Learners
    keys: KeyStore
    clock: Callable[[], datetime]

    async def erase(self, learner_id: str, stamp: Stamp) -> bool:
        """Erase a learner for ever. Safe to repeat. False: no such learner.

        Raises:
            Transient: it may be half done; a repeat or `run` does the rest.
        """
        if not await self.learners.mark_for_erasure(learner_id, stamp):
            return False
        await self.keys.erase(learner_id)
        await self.learners.erase(learner_id, stamp)
        return True

    async def finish(self) -> int:
        """Finish erasures that were begun; return how many. Also of a process that is at it."""
        begun = await self.learners.marked_for_erasure(FINISHED_TOGETHER)
        for learner_id in begun:
            await self.erase(learner_id, Stamp(self.clock(), None))
            log.info("erasure.finished", learner_id=learner_id)
        return len(begun)

    async def run(self, retry: Retry, seconds: float) -> None:
        """Finish what was begun, at start and every `seconds`, until cancelled."""
        while True:
            if not await retry("erase", self.finish):
                await asyncio.sleep(seconds)
