"""One contract for the engines that feed a loop, and the one place that chooses among them.

The contract, tested over both engines on a real broker (shared/tests/processing/contract):

- Records of a partition are handled in order, each at least once.
- An offset is committed only when every record before it has its effect, or is a dead letter;
  whatever happens: SIGKILL at any point, SIGTERM, errors, rebalances, outages of the store.
- A group without commits begins at the earliest record. Records of aborted transactions are
  never seen, as `courses` and `people` are written in transactions.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from pravah_shared.processing.breaker import Breaker
from pravah_shared.processing.dead_letters import Publisher
from pravah_shared.processing.handler import Handler
from pravah_shared.processing.health import Health
from pravah_shared.processing.loop import Loop
from pravah_shared.processing.retry import Retry
from pravah_shared.processing.sweeper import Sweeper
from pravah_shared.settings import Settings

Engine = Literal["aiokafka", "faust"]


class Runner(Protocol):
    """Feeds one handler from Kafka, under one consumer group, until stopped."""

    name: str
    """The engine, as /readyz shows it."""

    async def run(self) -> None:
        """Run until `stop`.

        Raises:
            BreakerOpen: at the end, if the breaker had halted the loop.
            Exception: the client or the loop is broken; the process should end and be restarted.
        """
        ...

    async def stop(self) -> None:
        """Take no further batch, give the one in hand its grace, commit what is done, leave.

        With a batch still unfinished the aiokafka engine drops it uncommitted; the Faust engine
        ends the *process* (see `faust_runner`). Either way it is delivered again.
        """
        ...

    @property
    def ready(self) -> bool:
        """Whether this process handles records now; False during an outage or when halted."""
        ...

    def alive(self) -> bool:
        """Whether the loop turns, and makes progress while there is lag."""
        ...


@dataclass(frozen=True, slots=True)
class Stream:
    """What an engine needs: where to read, and what to run."""

    settings: Settings
    group: str
    loop: Loop
    sweeper: Sweeper
    grace_seconds: float = 15.0
    """For the batch in hand when the process is asked to stop; below the 30 s that Kubernetes
    gives."""

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
    settings: Settings, service: str, handler: Handler, publisher: Publisher
) -> Stream:
    """Wire a handler to its loop and sweeper. Dead letters go to `<service>.dead`."""
    group = f"{settings.group_prefix}{service}"
    retry = Retry(Health(group))
    loop = Loop(service, handler, publisher, retry=retry, breaker=Breaker())
    return Stream(settings, group, loop, Sweeper(loop, seconds=settings.sweep_seconds))


def build_runner(
    engine: Engine, settings: Settings, service: str, handler: Handler, publisher: Publisher
) -> Runner:
    """Build the runner of a service. Stop the whole group before changing its engine."""
    stream = build_stream(settings, service, handler, publisher)
    if engine == "faust":
        # Faust takes half a second to import; a process that does not use it does not pay.
        from pravah_shared.processing import faust_runner

        return faust_runner.FaustRunner(stream)
    from pravah_shared.processing import aiokafka_runner

    return aiokafka_runner.AiokafkaRunner(stream)
