"""Composition root of enrollment: `python -m pravah_enrollment api|stream|relay`."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fastapi import FastAPI

from pravah_enrollment.api import Parts, build
from pravah_enrollment.api.erasure import Eraser
from pravah_enrollment.settings import EnrollmentSettings
from pravah_enrollment.store import Store
from pravah_enrollment.stream import CompletionHandler
from pravah_shared.command import run
from pravah_shared.errors import BrokerUnavailable
from pravah_shared.events.types import to_utc_milliseconds
from pravah_shared.http.health import ready_when
from pravah_shared.http.idempotency import IdempotencyStore
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.keys import KeyStore, key_database_of, load_or_create_kek
from pravah_shared.mongo import Database
from pravah_shared.outbox import Leases, Outbox, Relay, Source
from pravah_shared.processing.health import Health
from pravah_shared.processing.retry import Retry
from pravah_shared.processing.runner import build_runner
from pravah_shared.service import Stop, run_api, run_stream
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

SERVICE = "enrollment"


def utc_now() -> datetime:
    """Return the time as the store keeps it."""
    return to_utc_milliseconds(datetime.now(UTC))


@asynccontextmanager
async def open_parts(settings: EnrollmentSettings) -> AsyncIterator[Parts]:
    """Yield the real parts of the API. It comes up while the store or Kafka is away.

    Kafka is not needed to serve: what it cannot take now waits in the outboxes.
    """
    kek = load_or_create_kek(settings)
    async with (
        Database.connect(settings.mongo_uri, settings.mongo_database) as database,
        key_database_of(settings) as key_database,
        Publisher(settings, client_id=f"{SERVICE}-api") as publisher,
    ):
        store = Store(database)
        outbox = Outbox(store.collections["enrollments"], publisher)
        idempotency = IdempotencyStore(database.collection("idempotency"))
        keys = KeyStore(key_database, kek)
        eraser = Eraser(store.learners, keys, utc_now)

        async def work() -> None:
            await _prepare(store, idempotency)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(outbox.run())
                tasks.create_task(eraser.run(_retry(), settings.sweep_seconds))

        async with beside(work()) as working:
            yield Parts(
                store=store,
                keys=keys,
                eraser=eraser,
                outbox=outbox,
                idempotency=idempotency,
                ready=ready_when(store=database.ping, keys=key_database.ping, publishing=working),
                clock=utc_now,
            )


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Run work beside the block; yield a check that raises Transient once it has ended."""
    task = asyncio.create_task(work)

    async def check() -> None:
        if task.done():
            raise BrokerUnavailable("nothing is published at once any more: see the log, restart")

    task.add_done_callback(_say_why_it_ended)
    try:
        yield check
    finally:
        task.cancel()
        await asyncio.wait({task})


def _say_why_it_ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("outbox.failed", error=type(error).__name__, exc_info=error)


async def _prepare(store: Store, idempotency: IdempotencyStore) -> None:
    """Create indexes as soon as the store answers."""
    retry = _retry()
    await retry("prepare", store.prepare)
    await retry("prepare", idempotency.prepare)


def _retry() -> Retry:
    return Retry(Health(f"{SERVICE}-api"))


def document() -> FastAPI:
    """Return the application as contracts/ describes it: every route, connected to nothing."""
    settings = EnrollmentSettings()
    return build(settings, partial(open_parts, settings))


async def api(settings: EnrollmentSettings, stop: Stop) -> None:
    """Serve the API until asked to stop."""
    app = build(settings, partial(open_parts, settings))
    await run_api(settings, app, settings.enrollment_api_port, stop)


async def stream(settings: EnrollmentSettings, stop: Stop) -> None:
    """Record completions until asked to stop."""
    async with (
        Database.connect(settings.mongo_uri, settings.mongo_database) as database,
        Publisher(settings, client_id=f"{SERVICE}-stream") as publisher,
    ):
        handler = CompletionHandler(Store(database).enrollments)
        runner = build_runner("aiokafka", settings, SERVICE, handler, publisher)
        await run_stream(settings, SERVICE, runner, settings.enrollment_stream_port, stop)


async def relay(settings: EnrollmentSettings, stop: Stop) -> None:
    """Publish what waits in outboxes until asked to stop."""
    async with Database.connect(settings.mongo_uri, settings.mongo_database) as database:
        await run_stream(
            settings,
            SERVICE,
            build_relay(settings, database),
            settings.enrollment_relay_port,
            stop,
        )


def build_relay(settings: EnrollmentSettings, database: Database) -> Relay:
    """Return the relay of all collections. Courses and people have no other way to Kafka."""
    store = Store(database)

    def publisher_for(lease: str) -> Publisher:
        transactional_id = f"{settings.group_prefix}{SERVICE}-{lease}"
        return Publisher(settings, client_id=transactional_id, transactional_id=transactional_id)

    grace = {"enrollments": settings.enrollment_outbox_grace_seconds}
    return Relay(
        Leases(database.collection("leases"), f"{socket.gethostname()}-{os.getpid()}"),
        [Source(held, grace.get(name, 0.0)) for name, held in store.collections.items()],
        publisher_for,
        Health(f"{settings.group_prefix}{SERVICE}-relay"),
        shards=settings.enrollment_relay_shards,
    )


if __name__ == "__main__":
    modes = {"api": api, "stream": stream, "relay": relay}
    sys.exit(run(SERVICE, EnrollmentSettings, modes))
