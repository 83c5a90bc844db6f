"""`python -m pravah_notification api|stream|dispatch`: wires the parts of each process."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI

from pravah_notification.api import Parts, create_api
from pravah_notification.channels.email import EmailChannel
from pravah_notification.channels.inapp import InAppChannel
from pravah_notification.channels.tail import Tail
from pravah_notification.dispatch import Dispatcher, MailWriter
from pravah_notification.settings import NotificationSettings
from pravah_notification.store import Directory, Inbox, Ledger
from pravah_notification.stream import NotificationHandler
from pravah_notification.templates import Renderer
from pravah_shared.command import run
from pravah_shared.events.types import to_utc_milliseconds
from pravah_shared.http.health import ready_when
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.keys import KeyStore, key_database_of, load_or_create_kek
from pravah_shared.mongo import Database
from pravah_shared.processing.runner import build_runner
from pravah_shared.service import Stop, run_api, run_stream

SERVICE = "notification"


def utc_now() -> datetime:
    """Return the time as the store keeps it."""
    return to_utc_milliseconds(datetime.now(UTC))


def document() -> FastAPI:
    """Return the application as contracts/ describes it: every route, connected to nothing."""
    settings = NotificationSettings()
    return create_api(settings, partial(open_parts, settings))


async def api(settings: NotificationSettings, stop: Stop) -> None:
    """Serve inboxes, deliveries and the page."""
    app = create_api(settings, partial(open_parts, settings))
    await run_api(settings, app, settings.notification_api_port, stop)


async def stream(settings: NotificationSettings, stop: Stop) -> None:
    """Turn events into ledger entries."""
    async with (
        Database.connect(settings.mongo_uri, settings.mongo_database) as database,
        Publisher(settings, client_id=f"{SERVICE}-stream") as publisher,
    ):
        handler = NotificationHandler(Ledger(database), Directory(database), utc_now)
        runner = build_runner("faust", settings, SERVICE, handler, publisher)
        await run_stream(settings, SERVICE, runner, settings.notification_stream_port, stop)


async def dispatch(settings: NotificationSettings, stop: Stop) -> None:
    """Send the mails that are due."""
    async with (
        Database.connect(settings.mongo_uri, settings.mongo_database) as database,
        key_database_of(settings) as key_database,
    ):
        ledger = Ledger(database)
        keys = KeyStore(key_database, load_or_create_kek(settings))
        writer = MailWriter(Directory(database), keys, Renderer())
        dispatcher = Dispatcher(ledger, writer, EmailChannel(settings), settings, utc_now)
        await run_stream(settings, SERVICE, dispatcher, settings.notification_dispatch_port, stop)


@asynccontextmanager
async def open_parts(settings: NotificationSettings) -> AsyncIterator[Parts]:
    """Open the parts of the API. It comes up while the store is away."""
    async with (
        Database.connect(settings.mongo_uri, settings.mongo_database) as database,
        key_database_of(settings) as key_database,
    ):
        inbox, directory, renderer = Inbox(database), Directory(database), Renderer()
        keys = KeyStore(key_database, load_or_create_kek(settings))
        yield Parts(
            settings=settings,
            database=database,
            ledger=Ledger(database),
            inbox=inbox,
            directory=directory,
            inapp=InAppChannel(inbox, directory, keys, renderer, utc_now),
            tail=Tail(inbox, utc_now, settings.inbox_poll_seconds),
            renderer=renderer,
            ready=ready_when(store=database.ping, keys=key_database.ping),
            clock=utc_now,
        )


if __name__ == "__main__":
    modes = {"api": api, "stream": stream, "dispatch": dispatch}
    sys.exit(run(SERVICE, NotificationSettings, modes))
