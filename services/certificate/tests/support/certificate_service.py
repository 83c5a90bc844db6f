"""The service as its composition root builds it, on the real store, without Kafka."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from certificate_samples import ISSUER, NOON, REGISTRY, Clock
from fastapi import FastAPI

from pravah_certificate.api import Parts, build
from pravah_certificate.render import Pages
from pravah_certificate.settings import CertificateSettings
from pravah_certificate.store import store_of
from pravah_certificate.stream import CertificateStream
from pravah_certificate.verification import Verifier
from pravah_shared.events import Event, Person, new_event
from pravah_shared.http.health import ready_when
from pravah_shared.http.issuer import LocalIssuer, use_issuer
from pravah_shared.keys import KeyStore, PersonalData, seal_person
from pravah_shared.mongo import Database


@dataclass
class Service:
    """The stream's handler and the API, on one store."""

    app: FastAPI
    stream: CertificateStream
    keys: KeyStore
    tokens: LocalIssuer
    client: httpx.AsyncClient
    clock: Clock

    async def bring(self, *events: Event[Any]) -> Sequence[Event[Any]]:
        """Let the stream handle events as the loop does; return what it publishes."""
        outcome = await self.stream.handle(events)
        await outcome.acknowledge()
        return outcome.events

    async def person(self, learner_id: str = "asha", name: str = "आशा देवी") -> Event[Person]:
        """Return a person encrypted under a key of the real key store."""
        key = await self.keys.create(learner_id)
        said = Person(
            learner_id=learner_id,
            version=1,
            ciphertext=seal_person(key, PersonalData(name=name)),
            key_id=key.key_id,
        )
        return new_event(said, source="/pravah/enrollment", time=NOON)

    def headers(self, role: Any = "operator", **of_token: Any) -> dict[str, str]:
        """Return the headers of a request by `role`."""
        return self.tokens.headers(role, **of_token)


@asynccontextmanager
async def serving(database: Database) -> AsyncIterator[Service]:
    """Yield the running service; its key store is in the same database."""
    settings = CertificateSettings(public_url=ISSUER.profile.url)
    inputs, certificates = store_of(database)
    keys = KeyStore(database, b"k" * 32)
    clock = Clock()
    stream = CertificateStream(inputs, certificates, keys, ISSUER, clock, recheck_seconds=60)

    @asynccontextmanager
    async def parts() -> AsyncIterator[Parts]:
        yield Parts(
            inputs=inputs,
            certificates=certificates,
            registry=REGISTRY,
            verifier=Verifier(certificates, keys, REGISTRY),
            pages=Pages("Pravah"),
            ready=ready_when(store=database.ping),
        )

    app = build(settings, parts)
    tokens = LocalIssuer(settings)
    use_issuer(app, tokens)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://certificate") as client,
    ):
        yield Service(app, stream, keys, tokens, client, clock)
