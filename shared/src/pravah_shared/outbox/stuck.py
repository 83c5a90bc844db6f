"""Documents that cannot be published: passed by, but neither forgotten nor hidden.

The relay reads the longest waiting documents first. Those that never leave would fill its reads
and hide all the others, so it asks for them only now and then: somebody may have mended them.
"""

from datetime import datetime, timedelta
from typing import Any

AGAIN_SECONDS = 60.0
"""How long a mended document waits at most."""


class Stuck:
    """The stuck documents of one shard, by collection. Times are those of the relay's clock."""

    def __init__(self) -> None:
        self._passed: dict[str, dict[str, tuple[datetime, datetime]]] = {}

    def add(self, collection: str, document: dict[str, Any], now: datetime) -> None:
        """Pass the document by for a while."""
        again = now + timedelta(seconds=AGAIN_SECONDS)
        waits_since = document["outbox"][0]["at"]
        self._passed.setdefault(collection, {})[document["_id"]] = (waits_since, again)

    def passed_by(self, collection: str, now: datetime) -> list[str]:
        """Return whom to leave out of a read; forgets those whose time has come."""
        kept = {
            document_id: (waits_since, again)
            for document_id, (waits_since, again) in self._passed.get(collection, {}).items()
            if again > now
        }
        self._passed[collection] = kept
        return sorted(kept)

    def oldest(self, collection: str) -> datetime | None:
        """Return since when the one that waits longest does."""
        passed = self._passed.get(collection, {})
        return min((waits_since for waits_since, _ in passed.values()), default=None)

    def clear(self) -> None:
        """Forget all: the shard is another relay's."""
        self._passed.clear()
