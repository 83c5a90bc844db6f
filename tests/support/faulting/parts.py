"""A broker, a store and a mail server to break, and the proxies that lead to the first two."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from own_parts import OwnPart

from faulting.proxy import Proxy, StoreProxy
from pravah_cli.local.kafka import Behind, KafkaPart
from pravah_cli.local.mail.part import MailPart
from pravah_cli.local.ports import free_ports
from pravah_cli.local.process import await_ready, spawn, stop
from pravah_cli.local.store import StorePart
from pravah_cli.settings import LocalSettings
from pravah_cli.stack.supervisor import living
from pravah_cli.testing import Stack


@dataclass(frozen=True, slots=True)
class BreakableParts:
    """Parts and the ways to them. `stack` leads there directly: whoever checks is never cut off."""

    kafka: OwnPart
    store: OwnPart
    to_kafka: Proxy
    to_store: StoreProxy
    stack: Stack

    @property
    def proxied(self) -> Mapping[str, str]:
        """Settings of a process that reaches both through the proxies."""
        return {
            "PRAVAH_KAFKA_BOOTSTRAP": f"127.0.0.1:{self.to_kafka.port}",
            # A replica set would tell its own address, past the proxy.
            "PRAVAH_MONGO_URI": f"mongodb://127.0.0.1:{self.to_store.port}/?directConnection=true",
        }


@asynccontextmanager
async def breakable_parts(state: Path, *, durable: bool) -> AsyncIterator[BreakableParts]:
    """Yield parts of one's own, their data under `state`; take them away afterwards.

    `durable`: what the store has acknowledged is there after it was killed.
    """
    ports = iter(free_ports(8))
    cache = LocalSettings().cache
    behind = Behind(next(ports), next(ports))
    kafka = KafkaPart(next(ports), next(ports), state / "kafka", cache, behind)
    store = StorePart(next(ports), state / "mongo", cache, durable)
    mail = MailPart(next(ports), next(ports), state / "mails")
    stack = Stack(kafka.bootstrap, store.uri, "127.0.0.1", mail.port, mail.root)
    launches = [await asyncio.to_thread(part.launch) for part in (kafka, store, mail)]
    own = [OwnPart(launch, state) for launch in launches]
    try:
        started = [spawn(launch, state) for launch in launches]
        for launch, process in zip(launches, started, strict=True):
            await asyncio.to_thread(await_ready, process, launch, state)
        async with (
            Proxy(behind.proxy_port, behind.port) as to_kafka,
            StoreProxy(next(ports), store.port) as to_store,
        ):
            yield BreakableParts(own[0], own[1], to_kafka, to_store, stack)
    finally:
        for process in living(state).values():
            process.signal(signal.SIGCONT)  # a frozen one would not hear that it is over
            await asyncio.to_thread(stop, process, state)
