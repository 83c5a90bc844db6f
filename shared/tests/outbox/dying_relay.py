"""A relay whose process is killed when Kafka has the events and the outbox still holds them."""

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import Any

from pravah_shared.kafka.publisher import Publisher
from pravah_shared.mongo import Collection, Database
from pravah_shared.outbox import Leases, Relay, Source
from pravah_shared.processing.health import Health
from pravah_shared.settings import Settings, load


class Deadly:
    """A collection on which the first pull kills the process."""

    def __init__(self, real: Collection) -> None:
        self.name, self.find = real.name, real.find

    async def bulk(self, writes: Sequence[Any]) -> int:
        """Die as a pod does whose node loses power."""
        os.kill(os.getpid(), signal.SIGKILL)
        return len(writes)


async def main(settings: Settings) -> None:
    """Relay until killed."""
    database = Database.connect(settings.mongo_uri, settings.mongo_database)
    source: Any = Deadly(database.collection("people"))
    relay = Relay(
        Leases(database.collection("leases"), "dying"),
        [Source(source)],
        lambda lease: Publisher(
            settings, client_id="dying", transactional_id=f"{settings.group_prefix}{lease}"
        ),
        Health("dying"),
    )
    await relay.run()


if __name__ == "__main__":
    asyncio.run(main(load(Settings)))
