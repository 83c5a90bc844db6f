"""One key per learner, until it is destroyed."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pravah_cli.testing import Stack
from pravah_shared.errors import ConfigurationError, KeyStoreUnavailable
from pravah_shared.keys import Erased, KeyStore, key_database_of
from pravah_shared.mongo import Database
from pravah_shared.settings import Settings

pytestmark = pytest.mark.stack

KEK = b"e" * 32


class Clock:
    """Seconds that pass when the test says so."""

    seconds = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """A clock at zero."""
    return Clock()


@pytest.fixture
async def database(stack: Stack) -> AsyncIterator[Database]:
    """An empty key database."""
    database = Database.connect(stack.mongo_uri, f"test_{uuid.uuid4().hex}")
    yield database
    await database.drop()
    await database.close()


@pytest.fixture
def keys(database: Database, clock: Clock) -> KeyStore:
    """A process's view of the key store."""
    return KeyStore(database, KEK, clock=clock)


async def test_creating_again_returns_the_same_key(keys: KeyStore, database: Database) -> None:
    """Also in another process, and also in a race."""
    first = await keys.create("a")
    others = [KeyStore(database, KEK) for _ in range(8)]
    assert await keys.create("a") == first
    assert {await other.create("a") for other in others} == {first}
    raced = await asyncio.gather(*(other.create("b") for other in others))
    assert len(set(raced)) == 1


async def test_learners_have_different_keys(keys: KeyStore) -> None:
    """Destroying one leaves the others."""
    assert (await keys.create("a")).secret != (await keys.create("b")).secret


async def test_get_many_tells_unknown_from_erased(keys: KeyStore, database: Database) -> None:
    """None is final, absent is not yet."""
    known = await keys.create("a")
    await keys.create("b")
    await keys.erase("b")
    for store in (keys, KeyStore(database, KEK)):
        assert await store.get_many(["a", "b", "c"]) == {"a": known, "b": None}


async def test_an_erased_learner_never_gets_another_key(keys: KeyStore) -> None:
    """Erasure is repeatable, and holds for an id that had no key."""
    await keys.create("a")
    for learner_id in ("a", "a", "never-seen"):
        await keys.erase(learner_id)
        with pytest.raises(Erased, match=learner_id):
            await keys.create(learner_id)


async def test_the_store_holds_no_secret(keys: KeyStore, database: Database) -> None:
    """Keys are wrapped; after erasure nothing of them is left."""
    key = await keys.create("a")
    stored = await database.collection("keys").find({})
    assert key.secret.hex() not in json.dumps(stored)
    assert stored[0]["wrapped"]
    await keys.erase("a")
    (left,) = await database.collection("keys").find({})
    assert set(left) == {"_id", "erased_at"}


async def test_another_process_forgets_an_erased_key_within_five_minutes(
    keys: KeyStore, database: Database, clock: Clock
) -> None:
    """The cache is the only copy that outlives erasure."""
    await keys.create("a")
    await KeyStore(database, KEK).erase("a")
    clock.seconds = 299
    assert (await keys.get_many(["a"]))["a"] is not None
    clock.seconds = 300
    assert await keys.get_many(["a"]) == {"a": None}


async def test_nothing_is_sealed_under_a_key_that_another_process_destroyed(
    keys: KeyStore, database: Database
) -> None:
    """Reading may lag five minutes, writing may not: nobody could ever open it."""
    await keys.create("a")
    await KeyStore(database, KEK).erase("a")
    assert (await keys.get_many(["a"]))["a"] is not None
    with pytest.raises(Erased):
        await keys.create("a")
    assert await keys.get_many(["a"]) == {"a": None}


async def test_a_read_that_an_erasure_overtakes_brings_no_key_back(
    keys: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the store said before is not cached after: this process has erased."""
    await keys.create("a")
    keys._cache.clear()
    find = keys._keys.find

    async def find_then_erase(*which: Any, **how: Any) -> Any:
        found = await find(*which, **how)
        await keys.erase("a")
        return found

    monkeypatch.setattr(keys._keys, "find", find_then_erase)
    assert await keys.get_many(["a"]) == {"a": None}
    assert await keys.get_many(["a"]) == {"a": None}


async def test_a_wrong_key_encryption_key_blames_the_deployment(
    keys: KeyStore, database: Database
) -> None:
    """It must not dead-letter every learner."""
    await keys.create("a")
    with pytest.raises(KeyStoreUnavailable, match="PRAVAH_KEY_ENCRYPTION_KEY_FILE"):
        await KeyStore(database, b"x" * 32).get_many(["a"])


@pytest.mark.parametrize("setting", ["mongo_uri", "key_store_uri"])
def test_a_uri_that_cannot_be_used_is_named(setting: str) -> None:
    """The key store's own, or the store's where they are one."""
    uris: dict[str, Any] = {"key_store_uri": "", setting: "mongo://nowhere"}
    settings = Settings(**uris)
    with pytest.raises(ConfigurationError, match=f"PRAVAH_{setting.upper()} "):
        key_database_of(settings)


async def test_a_key_store_that_is_away_is_transient() -> None:
    """Nothing was encrypted or decrypted."""
    nowhere = Database.connect("mongodb://127.0.0.1:9", "x", deadline_seconds=0.2)
    with pytest.raises(KeyStoreUnavailable):
        await KeyStore(nowhere, KEK).create("a")
    await nowhere.close()
