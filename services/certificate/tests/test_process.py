"""The service as operating-system processes: real Kafka, real store, Faust, kill -9."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from certificate_samples import MERIT, NOON, PARTICIPATION, completed, course, erased

from pravah_certificate.settings import CertificateSettings
from pravah_cli.local.ports import free_port
from pravah_cli.testing import Deployment, eventually
from pravah_shared.codec import decode
from pravah_shared.events import Certified, Event, Person, new_event
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.keys import KeyStore, PersonalData, load_or_create_kek, seal_person
from pravah_shared.mongo import Database

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(400)]

PATIENCE_SECONDS = 120
"""A deadline, not a promise: processes start slowly on a busy machine."""
LEARNERS = [f"learner-{n}" for n in range(120)]


@dataclass
class World:
    """A deployment with this service in it, and what came out on `certified` and dead letters."""

    deployment: Deployment
    settings: CertificateSettings
    keys: KeyStore
    publisher: Publisher
    reader: TopicReader
    log: Path
    certified: list[Event[Certified]] = field(default_factory=list)
    dead: list[Any] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)

    async def person(self, learner_id: str) -> Event[Person]:
        """Return a person, encrypted under a key of the real key store."""
        key = await self.keys.create(learner_id)
        ciphertext = seal_person(key, PersonalData(name=f"नाम {learner_id}"))
        said = Person(learner_id=learner_id, version=1, ciphertext=ciphertext, key_id=key.key_id)
        return new_event(said, source="/pravah/enrollment", time=NOON)

    @contextmanager
    def process(self, mode: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a mode of the service; end it as Kubernetes would."""
        self.ports[mode] = free_port()
        own = {f"certificate_{mode}_port": self.ports[mode], "sweep_seconds": 1}
        environment = self.deployment.environment("certificate", **own)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "pravah_certificate", mode],
                env=os.environ | environment,
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.terminate()
            assert process.wait(PATIENCE_SECONDS) in (0, -signal.SIGKILL), self.log.read_text()

    async def get(self, mode: str, path: str, **headers: str) -> httpx.Response | None:
        """Ask a process; None while it does not listen."""
        async with httpx.AsyncClient() as client:
            try:
                return await client.get(
                    f"http://127.0.0.1:{self.ports[mode]}{path}", headers=headers
                )
            except httpx.TransportError:
                return None

    async def is_ready(self, mode: str) -> bool:
        """Tell whether a process does its work."""
        answer = await self.get(mode, "/readyz")
        return answer is not None and answer.is_success

    async def read(self) -> None:
        """Read what came out since."""
        for record in await self.reader.read():
            if record.topic == "certified":
                self.certified.append(decode(record))
            else:
                self.dead.append(record)

    async def all_certified(self, keys: set[tuple[str, str]]) -> bool:
        """Tell whether exactly these certificates were announced, by learner and name."""
        await self.read()
        assert not self.dead, self.dead
        return {(e.data.learner_id, e.data.certificate_name) for e in self.certified} == keys


@asynccontextmanager
async def world_of(deployment: Deployment, log: Path) -> AsyncIterator[World]:
    """Yield the surroundings of the service."""
    settings = deployment.settings(CertificateSettings)
    database = Database.connect(settings.mongo_uri, settings.key_store_database)
    keys = KeyStore(database, load_or_create_kek(settings))
    reader = TopicReader(settings, ["certified", "certificate.dead"])
    async with Publisher(settings, client_id="test") as publisher, reader:
        yield World(deployment, settings, keys, publisher, reader, log)
    await database.close()


@pytest.fixture
async def world(deployment: Deployment, tmp_path: Path) -> AsyncIterator[World]:
    """Yield the surroundings of the service."""
    async with world_of(deployment, tmp_path / "log") as surroundings:
        yield surroundings


async def test_from_a_completion_to_a_page_that_says_valid(world: World) -> None:
    """Both processes start at once on an empty state directory and agree on the key."""
    with world.process("stream"), world.process("api"):
        await world.publisher.publish([completed("asha"), course(), await world.person("asha")])
        await eventually(
            lambda: world.all_certified({("asha", "participation")}),
            PATIENCE_SECONDS,
            "the certificate",
        )
        number = world.certified[0].data.certificate_id
        answer = await world.get("api", f"/verify/{number}", accept="application/json")
        assert answer is not None
        assert (answer.json()["state"], answer.json()["holder_name"]) == ("valid", "नाम asha")
        ready = await world.get("stream", "/readyz")
        assert ready is not None
        assert ready.json()["runner"] == "faust"

        await world.keys.erase("asha")
        await world.publisher.publish([erased("asha")])

        async def says_erased() -> bool:
            told = await world.get("api", f"/verify/{number}", accept="application/json")
            return told is not None and told.json()["state"] == "erased"

        await eventually(says_erased, PATIENCE_SECONDS, "the erasure")
        text = world.log.read_text()
        assert "नाम" not in text
        assert json.dumps("नाम") not in text


async def test_kill_9_loses_and_doubles_nothing(world: World) -> None:
    """Killed again and again while completions come: one certificate each, each announced."""
    people = [await world.person(learner) for learner in LEARNERS]
    completions = [completed(learner, score=80) for learner in LEARNERS]
    await world.publisher.publish([course(rules=(PARTICIPATION, MERIT)), *people[::2]])
    rest = [*completions[::3], *people[1::2], *completions[1::3], *completions[2::3]]
    for start in range(0, len(rest), 90):
        with world.process("stream") as process:
            await world.publisher.publish(rest[start : start + 90])
            before = len(world.certified)

            async def some_came(before: int = before) -> bool:
                await world.read()
                return len(world.certified) > before

            await eventually(some_came, PATIENCE_SECONDS, "a first certificate")
            process.kill()
    with world.process("stream"):
        # The one before may have announced the last of them: this one must run to repeat any.
        await eventually(lambda: world.is_ready("stream"), PATIENCE_SECONDS, "the last stream")
        await eventually(
            lambda: world.all_certified(
                {(learner, name) for learner in LEARNERS for name in ("participation", "merit")}
            ),
            PATIENCE_SECONDS,
            "all certificates",
        )
    said: dict[str, Event[Certified]] = {}
    for event in world.certified:
        first = said.setdefault(event.id, event)
        assert (first.data, first.time, first.traceparent) == (
            event.data,
            event.time,
            event.traceparent,
        )
    assert len(said) == 2 * len(LEARNERS)
    database = Database.connect(world.settings.mongo_uri, world.settings.mongo_database)
    assert await database.collection("certificates").count({}) == 2 * len(LEARNERS)
    await database.close()


def test_production_does_not_start_without_its_keys(tmp_path: Path) -> None:
    """A line that names the setting, exit code 2, and no key made anywhere."""
    safe = {
        "PRAVAH_ENVIRONMENT": "production",
        "PRAVAH_STATE_DIR": str(tmp_path),
        "PRAVAH_OIDC_ISSUER": "https://id.example",
        "PRAVAH_PUBLIC_URL": "https://certificates.example",
        "PRAVAH_KEY_ENCRYPTION_KEY_FILE": str(tmp_path / "kek"),
        "PRAVAH_MONGO_URI": "mongodb://store.example",
        "PRAVAH_KAFKA_SECURITY_PROTOCOL": "SSL",
        "PRAVAH_REPLICATION_FACTOR": "3",
        "PRAVAH_KAFKA_SECURITY_USERNAME": "certificate",
        "PRAVAH_KAFKA_SECURITY_PASSWORD": "a secret",
    }
    for mode in ("api", "stream"):
        ended = subprocess.run(
            [sys.executable, "-m", "pravah_certificate", mode],
            env=os.environ | safe,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert ended.returncode == 2, ended.stderr
        assert "PRAVAH_SIGNING_KEY_FILE" in ended.stderr
    assert list(tmp_path.iterdir()) == []
