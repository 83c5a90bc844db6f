"""Reports as clients send them, and events as subscribers read them."""

from typing import Any

from pravah_cli.testing.waiting import eventually
from pravah_progress.settings import ProgressSettings
from pravah_shared.codec import decode
from pravah_shared.kafka.reader import TopicReader

from .facts import day


def body(**more: Any) -> dict[str, Any]:
    """Return a report that completes the course."""
    at = day(1).isoformat()
    return {
        "learner_id": "asha",
        "course_id": "ethics",
        "updates": [{"unit_id": "video", "status": 2, "spent_seconds": 60, "at": at}],
        "attempts": [{"unit_id": "test", "attempt_id": "a1", "score": 80, "at": at}],
    } | more


async def published(settings: ProgressSettings, topic: str, count: int) -> list[Any]:
    """Return the first `count` events of a topic, each once: a rebalance may repeat them."""
    found: dict[str, Any] = {}

    async def enough() -> bool:
        for record in await reader.read():
            event = decode(record)
            found.setdefault(event.id, event.data)
        return len(found) >= count

    async with TopicReader(settings, [topic]) as reader:
        await eventually(enough, 20, f"{count} events on {topic}")
    return list(found.values())
