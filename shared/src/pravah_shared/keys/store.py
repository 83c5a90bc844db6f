"""The key store: one wrapped key per learner, in a database of its own.

Document: `{_id: learner_id, key_id, wrapped}`, or `{_id: learner_id, erased_at}` for ever after
erasure, so that an erased id never gets another key. Backups of this database hold keys: their
retention bounds how long an erased learner could be brought back (docs/operate.md).
"""

import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from cryptography.exceptions import InvalidTag

from pravah_shared.errors import KeyStoreUnavailable, PravahError, StoreUnavailable
from pravah_shared.keys.sealing import KEY_BYTES, LearnerKey, decrypt, encrypt
from pravah_shared.mongo import Database, Document
from pravah_shared.settings import Settings

CACHE_SECONDS = 300.0
"""How long a process may use a key after its erasure elsewhere (architecture.md § Guarantees)."""
CACHE_KEYS = 100_000
"""About 40 MB; beyond it the oldest leave."""


def key_database_of(settings: Settings) -> Database:
    """Return the key store's database; nothing is sent before its first use.

    Raises:
        ConfigurationError: its URI cannot be used.
    """
    if not settings.key_store_uri:
        return Database.connect(settings.mongo_uri, settings.key_store_database)
    return Database.connect(
        settings.key_store_uri, settings.key_store_database, setting="PRAVAH_KEY_STORE_URI"
    )


class Erased(PravahError):  # noqa: N818 - the field's word
    """The learner was erased; the id is never used again."""


class KeyStore:
    """Keys by learner id, cached for at most five minutes.

    `clock` counts seconds, monotonic. Errors: KeyStoreUnavailable (Transient) from every method.
    """

    def __init__(
        self, database: Database, kek: bytes, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if len(kek) != KEY_BYTES:
            raise ValueError(f"a key encryption key has {KEY_BYTES} bytes, not {len(kek)}")
        self._keys = database.collection("keys")
        self._kek = kek
        self._clock = clock
        self._cache: dict[str, tuple[float, LearnerKey | None]] = {}

    async def create(self, learner_id: str) -> LearnerKey:
        """Return the learner's key, made at the first call. Read past the cache.

        What is sealed now is kept for long: under a key that another process destroyed, and that
        this one still holds, it could never be opened.

        Raises:
            Erased: the learner was erased.
        """
        known = await self._read([learner_id])
        if learner_id not in known:
            with _outage():
                await self._keys.insert_once(self._fresh(learner_id))
            known = await self._read([learner_id])  # of two creators, both use the winner's
        key = known.get(learner_id)
        if key is None:
            raise Erased(f"learner {learner_id} was erased; use a new id")
        return key

    async def get_many(self, learner_ids: Iterable[str]) -> Mapping[str, LearnerKey | None]:
        """Return keys by id. None: erased. Absent: unknown, never had one."""
        wanted = set(learner_ids)
        now = self._clock()
        known = {id_: held[1] for id_ in wanted if (held := self._cached(id_, now))}
        if missing := wanted - known.keys():
            known |= await self._read(missing)
        return known

    async def _read(self, learner_ids: Iterable[str]) -> dict[str, LearnerKey | None]:
        """Ask the store, and remember what it says from this moment on."""
        now = self._clock()
        with _outage():
            documents = await self._keys.find({"_id": {"$in": sorted(learner_ids)}})
        return {document["_id"]: self._remember(document, now) for document in documents}

    async def erase(self, learner_id: str) -> None:
        """Destroy the learner's key for ever. Safe to repeat; an unknown id is blocked too."""
        gone = {
            "$unset": {"wrapped": "", "key_id": ""},
            "$min": {"erased_at": datetime.now(UTC)},
        }
        with _outage():
            await self._keys.update_one({"_id": learner_id}, gone, upsert=True)
        self._cache[learner_id] = (self._clock() + CACHE_SECONDS, None)

    def _fresh(self, learner_id: str) -> Document:
        key_id = str(uuid.uuid4())
        secret = os.urandom(KEY_BYTES)
        return {
            "_id": learner_id,
            "key_id": key_id,
            "wrapped": encrypt(self._kek, secret, _wrapping(learner_id, key_id)),
        }

    def _cached(self, learner_id: str, now: float) -> tuple[float, LearnerKey | None] | None:
        held = self._cache.get(learner_id)
        return held if held and held[0] > now else None

    def _remember(self, document: Document, now: float) -> LearnerKey | None:
        while len(self._cache) >= CACHE_KEYS:
            del self._cache[next(iter(self._cache))]
        if (held := self._cached(document["_id"], now)) and held[1] is None:
            return None  # erased here while the store was asked: what it said is older
        key = self._unwrap(document) if "wrapped" in document else None
        self._cache.pop(document["_id"], None)  # to the end: the dict's order is by age
        self._cache[document["_id"]] = (now + CACHE_SECONDS, key)
        return key

    def _unwrap(self, document: Document) -> LearnerKey:
        learner_id, key_id = document["_id"], document["key_id"]
        try:
            secret = decrypt(self._kek, document["wrapped"], _wrapping(learner_id, key_id))
        except (InvalidTag, ValueError) as error:
            # Transient on purpose: the wrong KEK is mounted. Poison would dead-letter everyone.
            raise KeyStoreUnavailable(
                f"key {key_id} of learner {learner_id} does not unwrap: it was wrapped with "
                "another key; mend PRAVAH_KEY_ENCRYPTION_KEY_FILE"
            ) from error
        return LearnerKey(learner_id, key_id, secret)


@contextmanager
def _outage() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        raise KeyStoreUnavailable(f"key store: {error}") from error


def _wrapping(learner_id: str, key_id: str) -> bytes:
    return f"kek|{learner_id}|{key_id}".encode()
