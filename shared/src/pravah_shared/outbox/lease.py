"""Leases in the store: who works on a shard until when.

A lease alone protects nothing: its holder may be paused past the end and wake up believing.
It divides the work; correctness comes from the fenced producer. Clocks of the relays may differ
by less than the time to live.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from pravah_shared.mongo import Collection

LEASE_SECONDS = 15.0
"""How long a shard stands still after its relay died."""

FREE_SINCE = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """Return the time of this machine."""
    return datetime.fromtimestamp(time.time(), UTC)


class Leases:
    """Leases of one owner (a name unique to the process). Documents `{_id, owner, until}`."""

    def __init__(
        self,
        collection: Collection,
        owner: str,
        *,
        seconds: float = LEASE_SECONDS,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._collection = collection
        self._owner = owner
        self._span = timedelta(seconds=seconds)
        self._now = now
        self._until: dict[str, datetime] = {}
        self._not_before: dict[str, datetime] = {}

    async def prepare(self, names: Sequence[str]) -> None:
        """Create what can be leased. Safe to repeat."""
        await self._collection.insert_many_once(
            [{"_id": name, "owner": None, "until": FREE_SINCE} for name in names]
        )

    async def hold(self, name: str) -> bool:
        """Acquire or renew; False: another owner has it.

        Asks the store only when half of an own lease is over, or a fifth of a span has passed
        since another owner was seen.

        Raises:
            StoreUnavailable: unknown; treat it as not held.
        """
        now = self._now()
        if self._until.get(name, FREE_SINCE) - now > self._span / 2:
            return True
        if now < self._not_before.get(name, now):
            return False
        self.forget(name)
        until = now + self._span
        free_or_mine = {
            "_id": name,
            "$or": [{"owner": self._owner}, {"until": {"$lte": now}}],
        }
        taken = {"$set": {"owner": self._owner, "until": until}}
        if await self._collection.update_one(free_or_mine, taken):
            self._until[name] = until
            return True
        self._not_before[name] = now + self._span / 5
        return False

    def forget(self, name: str) -> None:
        """Have the next `hold` ask the store."""
        self._until.pop(name, None)
        self._not_before.pop(name, None)

    async def release(self, name: str) -> None:
        """Give the lease back at once, if it is still this owner's."""
        self.forget(name)
        await self._collection.update_one(
            {"_id": name, "owner": self._owner}, {"$set": {"until": FREE_SINCE}}
        )
