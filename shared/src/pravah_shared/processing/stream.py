"""A stream ready to be fed: a handler with its loop, its safeguards and its settings."""

from collections.abc import Mapping
from dataclasses import dataclass

from pravah_shared.codec import NO_READERS, Reader
from pravah_shared.processing import failpoints
from pravah_shared.processing.breaker import Breaker
from pravah_shared.processing.dead_letters import Publisher
from pravah_shared.processing.handler import Handler
from pravah_shared.processing.health import Health
from pravah_shared.processing.loop import Loop
from pravah_shared.processing.retry import Retry
from pravah_shared.processing.sweeper import Sweeper
from pravah_shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Stream:
    """What an engine needs: where to read, and what to run."""

    settings: Settings
    group: str
    loop: Loop
    sweeper: Sweeper

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics to read as Kafka knows them, with the deployment's prefix."""
        prefix = self.settings.topic_prefix
        return tuple(sorted(f"{prefix}{topic}" for topic in self.loop.handler.topics))

    @property
    def health(self) -> Health:
        """The loop's own."""
        return self.loop.health

    def without_prefix(self, topic: str) -> str:
        """Return the topic's name as the project knows it."""
        return topic.removeprefix(self.settings.topic_prefix)


def build_stream(
    settings: Settings,
    service: str,
    handler: Handler,
    publisher: Publisher,
    readers: Mapping[str, Reader] = NO_READERS,
) -> Stream:
    """Wire a handler to its loop and sweeper. Dead letters go to `<service>.dead`."""
    failpoints.arm(settings.failpoints_file)
    group = f"{settings.group_prefix}{service}"
    retry = Retry(Health(group))
    loop = Loop(service, handler, publisher, retry=retry, breaker=Breaker(), readers=readers)
    return Stream(settings, group, loop, Sweeper(loop, seconds=settings.sweep_seconds))
