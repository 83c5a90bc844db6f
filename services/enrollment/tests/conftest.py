"""The real application on the real store and broker, with real tokens."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from pravah_cli.testing import Deployment
from pravah_enrollment.__main__ import build_relay, open_parts
from pravah_enrollment.api import Parts, build
from pravah_enrollment.settings import EnrollmentSettings
from pravah_shared.codec import decode
from pravah_shared.events import Event
from pravah_shared.http.issuer import LocalIssuer, use_issuer
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.mongo import Database, Document
from pravah_shared.outbox import Relay

COURSE: dict[str, Any] = {
    "title": {"en": "Ethics in public life", "hi": "सार्वजनिक जीवन में नैतिकता"},
    "provider": "Institute of Secretariat Training",
    "languages": ["en", "hi"],
    "units": [
        {"unit_id": "u-1", "title": {"en": "Video"}, "kind": "content"},
        {"unit_id": "q-1", "title": {"en": "Quiz"}, "kind": "assessment", "pass_percent": 40},
    ],
    "certificates": [{"name": "completion"}],
}
LEARNER: dict[str, Any] = {
    "name": "अंजलि शर्मा",
    "latin_name": "Anjali Sharma",
    "email": "anjali@learners.example",
    "phone": "+919876543210",
    "language": "hi",
    "designation": "Section Officer",
    "mdo_id": "mdo-1",
    "state_code": "IN-BR",
}


class Service:
    """Enrollment's API as its clients see it, and what it left in the store and on topics."""

    def __init__(self, app: FastAPI, settings: EnrollmentSettings, database: Database) -> None:
        self.app = app
        self.settings = settings
        self.database = database
        self.issuer = LocalIssuer(settings)
        use_issuer(app, self.issuer)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test"
        )

    @property
    def parts(self) -> Parts:
        """The application's parts."""
        parts: Parts = self.app.state.parts
        return parts

    async def ask(self, method: str, path: str, role: Any = "operator", **options: Any) -> Any:
        """Send a request as `role`; `learner`, `mdo` and `scopes` describe its token."""
        token = self.issuer.headers(
            role,
            learner_id=options.pop("learner", None),
            mdo_id=options.pop("mdo", None),
            scopes=options.pop("scopes", ()),
        )
        headers = token | options.pop("headers", {})
        return await self.http.request(method, path, headers=headers, **options)

    async def put_course(self, course_id: str = "c-1", **changes: Any) -> Any:
        """Put a course; a change of None leaves a field out."""
        body = {name: to for name, to in (COURSE | changes).items() if to is not None}
        return await self.ask("PUT", f"/v1/courses/{course_id}", "publisher", json=body)

    async def put_learner(self, learner_id: str = "l-1", **changes: Any) -> Any:
        """Put a learner; a change of None leaves a field out."""
        body = {name: to for name, to in (LEARNER | changes).items() if to is not None}
        return await self.ask("PUT", f"/v1/learners/{learner_id}", json=body)

    async def enroll(self, learner_id: str = "l-1", course_id: str = "c-1", **more: Any) -> Any:
        """Enroll as operator."""
        body = {"learner_id": learner_id, "course_id": course_id, **more}
        return await self.ask("POST", "/v1/enrollments", json=body)

    async def ready_to_enroll(self) -> None:
        """Have course c-1 and learner l-1."""
        assert (await self.put_course()).status_code == 201
        assert (await self.put_learner()).status_code == 201

    async def waiting(self, collection: str) -> list[str]:
        """Return the types of the events in a collection's outboxes."""
        documents = await self.database.collection(collection).find({})
        return [waiting["type"] for document in documents for waiting in document["outbox"]]

    async def published(self, topic: str) -> list[Event[Any]]:
        """Return all events of a topic."""
        found: list[Event[Any]] = []
        async with TopicReader(self.settings, [topic]) as reader:
            while not await reader.at_end():
                found += [decode(record) for record in await reader.read()]
        return found

    async def everything_stored(self) -> dict[str, list[Document]]:
        """Return every document of the service's database."""
        names = ("courses", "learners", "enrollments", "idempotency", "leases")
        return {name: await self.database.collection(name).find({}) for name in names}

    def relay(self) -> Relay:
        """Return a relay that lets no event ripen."""
        eager = self.settings.model_copy(update={"enrollment_outbox_grace_seconds": 0})
        return build_relay(eager, self.database)


@pytest.fixture
def settings(deployment: Deployment) -> EnrollmentSettings:
    """Settings within the test's deployment."""
    return deployment.settings(EnrollmentSettings)


@pytest.fixture
async def database(settings: EnrollmentSettings) -> AsyncIterator[Database]:
    """The service's database."""
    database = Database.connect(settings.mongo_uri, settings.mongo_database)
    yield database
    await database.close()


@pytest.fixture
async def service(settings: EnrollmentSettings, database: Database) -> AsyncIterator[Service]:
    """The running API."""
    app = build(settings, partial(open_parts, settings))
    async with app.router.lifespan_context(app):
        service = Service(app, settings, database)
        yield service
        await service.http.aclose()
