"""Learners: sealed as soon as they arrive, gone for ever once erased."""

import asyncio
import base64
import json
from typing import Any

import pytest

from pravah_cli.testing import eventually
from pravah_enrollment.__main__ import open_parts
from pravah_enrollment.store import Learners
from pravah_shared.errors import StoreUnavailable
from pravah_shared.events import Person, PersonErased
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.keys import KeyStore, open_person
from pravah_shared.mongo import Database

pytestmark = pytest.mark.stack

SECRETS = ("अंजलि", "Anjali", "anjali@", "9876543210", "Section Officer")


async def test_a_learner_is_created_changed_and_kept(service: Any) -> None:
    """201, 200 with the next version, 200 with the same one; GET shows what was put."""
    created = await service.put_learner()
    assert (created.status_code, created.json()["version"]) == (201, 1)
    same = await service.put_learner()
    assert (same.status_code, same.json()) == (200, created.json())
    changed = await service.put_learner(designation="Under Secretary")
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    found = await service.ask("GET", "/v1/learners/l-1", "learner", learner="l-1")
    assert found.json() == changed.json()
    assert found.json()["name"] == "अंजलि शर्मा"
    assert len(await service.waiting("learners")) == 2


async def test_nothing_of_a_person_is_in_clear(service: Any) -> None:
    """Neither in the store, its outboxes, nor on the topic; the key's holder can read it."""
    await service.put_learner()
    await relayed(service)
    assert not found(await everything(service))
    (event,) = await service.published("people")
    assert isinstance(event.data, Person)
    assert (event.data.version, event.data.mdo_id) == (1, "mdo-1")
    key = (await service.parts.keys.get_many(["l-1"]))["l-1"]
    assert key is not None
    assert key.key_id == event.data.key_id
    assert open_person(key, event.data.ciphertext).name == "अंजलि शर्मा"


async def test_names_are_normalised_and_joiners_kept(service: Any) -> None:
    """NFC; ZWJ and ZWNJ belong to the spelling."""
    answer = await service.put_learner(name=" Jose\u0301 ", designation="ক্\u200cষ")
    assert answer.json()["name"] == "Jos\u00e9"
    assert answer.json()["designation"] == "ক্\u200cষ"
    composed = await service.put_learner(name="Jos\u00e9", designation="ক্\u200cষ")
    assert composed.json()["version"] == 1


async def test_erasure_destroys_the_key_and_every_readable_copy(
    service: Any, settings: Any
) -> None:
    """The name is found nowhere: not in the store, the key store, nor readable on the topic."""
    await service.put_learner()
    await relayed(service)
    await service.put_learner(designation="Under Secretary")
    for _ in range(2):
        gone = await service.ask("DELETE", "/v1/learners/l-1")
        assert (gone.status_code, gone.content) == (204, b"")
    await relayed(service)
    person, tombstone = await service.published("people")
    assert isinstance(person.data, Person)
    assert isinstance(tombstone.data, PersonErased)
    keys = Database.connect(settings.mongo_uri, settings.key_store_database)
    (left,) = await keys.collection("keys").find({})
    await keys.close()
    assert set(left) == {"_id", "erased_at"}
    (learner,) = await service.database.collection("learners").find({})
    assert set(learner) == {"_id", "version", "erased_at", "slot", "outbox"}
    assert not found(await everything(service))


async def test_an_erased_id_is_never_used_again(service: Any) -> None:
    """410 to all who ask, and nobody can be enrolled under it."""
    await service.ready_to_enroll()
    await service.ask("DELETE", "/v1/learners/l-1", "learner", learner="l-1")
    assert (await service.put_learner()).status_code == 410
    assert (await service.ask("GET", "/v1/learners/l-1")).status_code == 410
    refused = await service.enroll()
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "learner_id"


@pytest.mark.parametrize("died_before", ["the key", "our copy"])
async def test_an_erasure_that_died_half_way_is_finished(
    service: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, died_before: str
) -> None:
    """By its repeat, or by any API process that starts. Until then nothing is read or written."""
    await service.put_learner()
    with monkeypatch.context() as dying:
        if died_before == "the key":
            dying.setattr(KeyStore, "erase", fail)
        else:
            dying.setattr(Learners, "erase", fail)
        assert (await service.ask("DELETE", "/v1/learners/l-1")).status_code == 503
    assert (await service.ask("GET", "/v1/learners/l-1")).status_code == 410
    assert (await service.put_learner(name="Another")).status_code == 410
    async with open_parts(settings) as other:
        await eventually(lambda: tombstone_waits(service), 20, "the tombstone")
        assert await other.keys.get_many(["l-1"]) == {"l-1": None}
    (learner,) = await service.database.collection("learners").find({})
    assert set(learner) == {"_id", "version", "erased_at", "slot", "outbox"}
    assert (await service.ask("DELETE", "/v1/learners/l-1")).status_code == 204
    assert await service.waiting("learners") == [PersonErased.type]


async def test_racing_writers_and_an_erasure_end_erased(service: Any) -> None:
    """Whoever comes after the erasure finds it."""
    await service.put_learner()
    calls = [service.put_learner(designation=f"Officer {chr(65 + n)}") for n in range(6)]
    answers = await asyncio.gather(*calls, service.ask("DELETE", "/v1/learners/l-1"))
    assert {answer.status_code for answer in answers} <= {200, 204, 410}
    (learner,) = await service.database.collection("learners").find({})
    assert "ciphertext" not in learner
    assert [waiting["type"] for waiting in learner["outbox"]] == [PersonErased.type]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "An\u0000jali"}, "name"),
        ({"name": "An\njali"}, "name"),
        ({"name": "Anjali\u202egnp"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"latin_name": "अंजलि"}, "latin_name"),
        ({"email": "anjali"}, "email"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, "email"),
        ({"phone": "call me"}, "phone"),
        ({"language": "Hindi!"}, "language"),
        ({"time_zone": "Asia/Nowhere"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"state_code": "Bihar"}, "state_code"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_what_no_learner_has_is_refused(
    service: Any, changes: dict[str, Any], field: str
) -> None:
    """422 names the field and the remedy; the text itself is not repeated."""
    answer = await service.put_learner(**changes)
    assert answer.status_code == 422, answer.text
    problem = answer.json()["errors"][0]
    assert problem["field"] == field
    assert problem["remedy"]
    assert "jali" not in answer.text
    assert (await service.everything_stored())["learners"] == []


async def test_an_unknown_learner_is_not_found(service: Any) -> None:
    """404 with what to do."""
    for method in ("GET", "DELETE"):
        answer = await service.ask(method, "/v1/learners/l-9")
        assert answer.status_code == 404
        assert "l-9" in answer.json()["detail"]


async def test_an_mdo_admin_writes_and_reads_learners_of_their_mdo_alone(service: Any) -> None:
    """They cannot give a learner away, nor take another MDO's."""

    async def put(learner_id: str, body_mdo: str, own: str) -> int:
        answer = await service.ask(
            "PUT",
            f"/v1/learners/{learner_id}",
            "mdo_admin",
            mdo=own,
            json={"name": "Ravi", "mdo_id": body_mdo},
        )
        return int(answer.status_code)

    assert await put("l-1", "mdo-1", "mdo-1") == 201
    assert await put("l-1", "mdo-2", "mdo-1") == 403
    assert await put("l-1", "mdo-2", "mdo-2") == 403
    assert await put("l-2", "mdo-2", "mdo-1") == 403
    path = "/v1/learners/l-1"
    assert (await service.ask("GET", path, "mdo_admin", mdo="mdo-1")).status_code == 200
    assert (await service.ask("GET", path, "mdo_admin", mdo="mdo-2")).status_code == 403
    assert (
        await service.ask("GET", "/v1/learners/l-9", "mdo_admin", mdo="mdo-1")
    ).status_code == 403
    assert (await service.ask("DELETE", path, "mdo_admin", mdo="mdo-1")).status_code == 403


async def test_learners_write_themselves_but_stay_where_they_are(service: Any) -> None:
    """Their MDO decides who sees them: it is not theirs to choose."""
    await service.put_learner()
    mine = {"name": "Anjali S", "latin_name": "Anjali S"}

    async def put(learner: str, **more: Any) -> Any:
        return await service.ask(
            "PUT", "/v1/learners/l-1", "learner", learner=learner, json=mine | more
        )

    changed = await put("l-1")
    assert (changed.status_code, changed.json()["mdo_id"]) == (200, "mdo-1")
    assert (await put("l-2")).status_code == 403
    moved = await put("l-1", mdo_id="mdo-2")
    assert moved.status_code == 422
    assert moved.json()["errors"][0]["field"] == "mdo_id"


async def fail(*_: Any) -> None:
    """Stand for a process that dies, or a store that goes away, at this step."""
    raise StoreUnavailable("away")


async def tombstone_waits(service: Any) -> bool:
    """Whether the tombstone, and nothing else, is left to the relay."""
    return bool(await service.waiting("learners") == [PersonErased.type])


async def relayed(service: Any) -> None:
    """Let the relay publish all that waits."""
    relay = service.relay()
    running = asyncio.create_task(relay.run())
    await eventually(lambda: empty(service), 20, "the relay")
    await relay.stop()
    await running


async def empty(service: Any) -> bool:
    """Whether no learner's event waits."""
    return not await service.waiting("learners")


async def everything(service: Any) -> str:
    """Return all bytes that were stored or published, as text."""
    stored = json.dumps(await service.everything_stored(), default=str, ensure_ascii=False)
    records = []
    async with TopicReader(service.settings, ["people", "enrolled", "courses"]) as reader:
        while not await reader.at_end():
            records += await reader.read()
    on_topics = b"".join(
        (r.key or b"") + (r.value or b"") + b"".join(v for _, v in r.headers) for r in records
    )
    return stored + on_topics.decode()


def found(text: str) -> list[str]:
    """Return which secrets stand in `text`, in clear, escaped or in base64."""
    forms = {
        secret: (
            secret,
            json.dumps(secret)[1:-1],
            base64.b64encode(secret.encode()).decode().rstrip("=")[:-1],
        )
        for secret in SECRETS
    }
    return [secret for secret, some in forms.items() if any(form in text for form in some)]


def test_the_search_would_find_a_name() -> None:
    """In clear, escaped or in base64."""
    for form in ("x Anjali x", json.dumps("अंजलि"), base64.b64encode(b"Anjali").decode()):
        assert found(form)
    assert not found("x")
