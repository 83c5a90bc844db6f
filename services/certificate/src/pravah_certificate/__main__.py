"""Composition root of certificate: `python -m pravah_certificate api|stream`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI

from pravah_certificate.api import Parts, build
from pravah_certificate.credentials.material import load_issuer, load_registry
from pravah_certificate.credentials.registry import Registry
from pravah_certificate.render import Pages
from pravah_certificate.settings import CertificateSettings
from pravah_certificate.store import store_of
from pravah_certificate.stream import CertificateStream
from pravah_certificate.verification import Verifier
from pravah_shared.command import run
from pravah_shared.events.types import to_utc_milliseconds
from pravah_shared.http.health import ready_when
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.keys import KeyStore, key_database_of, load_or_create_kek
from pravah_shared.mongo import Database
from pravah_shared.processing.runner import build_runner
from pravah_shared.service import Stop, run_api, run_stream


@asynccontextmanager
async def open_keys(settings: CertificateSettings) -> AsyncIterator[KeyStore]:
    """Yield the store of learners' keys."""
    kek = load_or_create_kek(settings)
    async with key_database_of(settings) as database:
        yield KeyStore(database, kek)


@asynccontextmanager
async def open_parts(settings: CertificateSettings, registry: Registry) -> AsyncIterator[Parts]:
    """Yield the real parts of the API. It comes up while the store is away."""
    async with (
        Database.connect(settings.mongo_uri, settings.mongo_database) as database,
        open_keys(settings) as keys,
    ):
        inputs, certificates = store_of(database)
        yield Parts(
            inputs=inputs,
            certificates=certificates,
            registry=registry,
            verifier=Verifier(certificates, keys, registry),
            pages=Pages(settings.issuer_name),
            ready=ready_when(store=database.ping),
        )


def document() -> FastAPI:
    """Return the application as contracts/ describes it: every route, connected to nothing."""
    settings = CertificateSettings()
    return build(settings, lambda: open_parts(settings, load_registry(settings)))


async def api(settings: CertificateSettings, stop: Stop) -> None:
    """Serve the API until asked to stop."""
    registry = load_registry(settings)  # before a port is taken: without keys nothing starts
    app = build(settings, partial(open_parts, settings, registry))
    await run_api(settings, app, settings.certificate_api_port, stop)


async def stream(settings: CertificateSettings, stop: Stop) -> None:
    """Issue until asked to stop."""
    issuer = load_issuer(settings)
    async with (
        Database.connect(settings.mongo_uri, settings.mongo_database) as database,
        open_keys(settings) as keys,
        Publisher(settings, client_id="certificate-stream") as publisher,
    ):
        handler = CertificateStream(
            *store_of(database),
            keys,
            issuer,
            clock=lambda: to_utc_milliseconds(datetime.now(UTC)),
            recheck_seconds=settings.sweep_seconds,
        )
        runner = build_runner("faust", settings, "certificate", handler, publisher)
        await run_stream(settings, "certificate", runner, settings.certificate_stream_port, stop)


if __name__ == "__main__":
    sys.exit(run("certificate", CertificateSettings, {"api": api, "stream": stream}))
