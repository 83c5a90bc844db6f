"""One contract for the engines that feed a loop, and the one place that chooses among them.

The contract, tested over both engines on a real broker (shared/tests/processing/contract):

- Records of a partition are handled in order, each at least once.
- An offset is committed only when every record before it has its effect, or is a dead letter;
  whatever happens: SIGKILL at any point, SIGTERM, errors, rebalances, outages of the store.
- A group without commits begins at the earliest record. Records of aborted transactions are
  never seen, as `courses` and `people` are written in transactions.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

from pravah_shared.codec import NO_READERS, Reader
from pravah_shared.processing.dead_letters import Publisher
from pravah_shared.processing.handler import Handler
from pravah_shared.processing.stream import build_stream
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


def build_runner(  # noqa: PLR0913 - a composition root's parts
    engine: Engine,
    settings: Settings,
    service: str,
    handler: Handler,
    publisher: Publisher,
    *,
    readers: Mapping[str, Reader] = NO_READERS,
) -> Runner:
    """Build the runner of a service. Stop the whole group before changing its engine.

    `readers` read hot event types in a shape of the handler's own; see `pravah_shared.codec`.
    """
    stream = build_stream(settings, service, handler, publisher, readers)
    if engine == "faust":
        # Faust takes half a second to import; a process that does not use it does not pay.
        from pravah_shared.processing.faust_runner import FaustRunner

        return FaustRunner(stream)
    from pravah_shared.processing.aiokafka_runner import AiokafkaRunner

    return AiokafkaRunner(stream)
