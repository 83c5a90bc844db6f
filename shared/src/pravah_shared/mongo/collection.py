"""A collection whose every call has a deadline and fails in this project's own terms."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from pymongo import DeleteOne, InsertOne, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    DocumentTooLarge,
    DuplicateKeyError,
    OperationFailure,
)

from pravah_shared.errors import ConfigurationError, StoreUnavailable
from pravah_shared.mongo.classify import (
    DUPLICATE_KEY,
    is_taken,
    of_bulk,
    translated,
    write_errors,
)

Document: TypeAlias = dict[str, Any]
Filter: TypeAlias = Mapping[str, Any]
Update: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Keys: TypeAlias = Sequence[tuple[str, int]]
Write: TypeAlias = UpdateOne | InsertOne[Document] | ReplaceOne[Document] | DeleteOne
T = TypeVar("T")

UPSERT_TRIES = 8
"""Two upserts of one `_id` may both find nothing; the loser gets E11000 and updates on retry."""

BACKSTOP_SECONDS = 2.0
"""Beyond the driver's own deadline; reached only when the driver's thread is stuck."""

_INDEX_CONFLICTS = {85, 86}  # IndexOptionsConflict, IndexKeySpecsConflict


class Collection:
    """One collection. Every method but `ensure_index` raises only what `translated` does."""

    def __init__(self, driver: Any, name: str, deadline_seconds: float) -> None:
        self._driver = driver
        self.name = name
        self._seconds = deadline_seconds + BACKSTOP_SECONDS

    async def ensure_index(
        self,
        name: str,
        keys: Keys,
        *,
        unique: bool = False,
        partial: Filter | None = None,
        expire_after_seconds: int | None = None,
    ) -> None:
        """Create the index if it is missing. Safe to repeat and to race.

        Raises:
            ConfigurationError: an index of that name with another shape is there.
        """
        options: Document = {"name": name, "unique": unique}
        if partial is not None:
            options["partialFilterExpression"] = dict(partial)
        if expire_after_seconds is not None:
            options["expireAfterSeconds"] = expire_after_seconds
        try:
            async with asyncio.timeout(self._seconds):
                await self._driver.create_index(list(keys), **options)
        except OperationFailure as error:
            if error.code in _INDEX_CONFLICTS:
                raise ConfigurationError(
                    f"index {name} of {self.name} exists with another shape; drop it, then restart"
                ) from error
            with translated(f"index {name} of {self.name}"):
                raise
        except Exception:
            with translated(f"index {name} of {self.name}"):
                raise

    async def insert_once(self, document: Document) -> bool:
        """Insert unless its `_id` is there; False: it is, and nothing changed."""
        with translated(self._attempt("insert", document.get("_id"))):
            try:
                async with asyncio.timeout(self._seconds):
                    await self._driver.insert_one(document)
            except DuplicateKeyError as error:
                if not is_taken(error.details):
                    raise
                return False
        return True

    async def insert_many_once(self, documents: Sequence[Document]) -> set[Any]:
        """Insert those whose `_id` is not there; return the ids inserted by this call.

        After a StoreUnavailable, ids that this call did insert count as there on the repeat.
        """
        if not documents:
            return set()  # the driver rejects an empty bulk
        ids = [document["_id"] for document in documents]
        with translated(self._attempt(f"{len(ids)} inserts, first", ids[0])):
            try:
                async with asyncio.timeout(self._seconds):
                    await self._driver.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                taken = write_errors(error)
                if error.details.get("writeConcernErrors") or not all(map(is_taken, taken)):
                    raise
                lost = {failure["index"] for failure in taken}
                return {id_ for index, id_ in enumerate(ids) if index not in lost}
        return set(ids)

    async def find_one(
        self, filter_: Filter, projection: Mapping[str, Any] | None = None
    ) -> Document | None:
        """Return one matching document, or None."""
        found: Document | None = await self._ask(
            "read", filter_.get("_id"), lambda: self._driver.find_one(filter_, projection)
        )
        return found

    async def find(
        self,
        filter_: Filter,
        *,
        projection: Mapping[str, Any] | None = None,
        sort: Keys | None = None,
        limit: int = 0,
    ) -> list[Document]:
        """Return all matching documents (`limit` 0: no limit)."""

        async def read() -> list[Document]:
            cursor = self._driver.find(filter_, projection, limit=limit)
            if sort:
                cursor = cursor.sort(list(sort))
            found: list[Document] = await cursor.to_list(None)
            return found

        return await self._ask("find", None, read)

    async def update_one(self, filter_: Filter, update: Update, *, upsert: bool = False) -> bool:
        """Update one document; True: one matched or was created."""
        result = await self._upsert(
            filter_, lambda: self._driver.update_one(filter_, update, upsert=upsert)
        )
        return bool(result.matched_count or result.upserted_id is not None)

    async def find_one_and_update(
        self,
        filter_: Filter,
        update: Update,
        *,
        upsert: bool = False,
        sort: Keys | None = None,
    ) -> Document | None:
        """Update one document and return it as it is afterwards; None: none matched."""
        found: Document | None = await self._upsert(
            filter_,
            lambda: self._driver.find_one_and_update(
                filter_,
                update,
                upsert=upsert,
                sort=list(sort) if sort else None,
                return_document=ReturnDocument.AFTER,
            ),
        )
        return found

    async def bulk(self, writes: Sequence[Write]) -> int:
        """Apply writes in any order; return how many changed or created a document.

        An insert whose `_id` is there counts as done before; an upsert that lost a race is
        repeated. Safe to repeat when each write is.
        """
        changed = 0
        for _ in range(UPSERT_TRIES):
            if not writes:
                return changed  # the driver rejects an empty bulk
            count, writes = await self._bulk_once(writes)
            changed += count
        if writes:
            raise StoreUnavailable(
                f"{len(writes)} upserts of {self.name} lost {UPSERT_TRIES} races; repeat the batch"
            )
        return changed

    async def upsert(self, updates: Mapping[Any, Update]) -> None:
        """Update the documents of these ids, creating those that are missing, in any order.

        As `bulk` with upserts, for half of the processor time: one command, and no object of the
        driver's for each write. The driver does not repeat it; whoever asks does, unchanged.
        """
        for _ in range(UPSERT_TRIES):
            if not updates:
                return
            updates = await self._upsert_once(updates)
        if updates:
            raise StoreUnavailable(
                f"{len(updates)} upserts of {self.name} lost {UPSERT_TRIES} races; repeat the batch"
            )

    async def delete_one(self, filter_: Filter) -> int:
        """Delete one matching document; return how many (0 or 1)."""
        return await self._delete(filter_, self._driver.delete_one)

    async def delete_many(self, filter_: Filter) -> int:
        """Delete all matching documents; return how many."""
        return await self._delete(filter_, self._driver.delete_many)

    async def count(self, filter_: Filter) -> int:
        """Count matching documents."""
        return int(await self._ask("count", None, lambda: self._driver.count_documents(filter_)))

    async def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        """Run a pipeline and return all that comes out."""

        async def read() -> list[Document]:
            cursor = self._driver.aggregate(list(pipeline))
            if asyncio.iscoroutine(cursor):  # PyMongo Async; Motor returns the cursor itself
                cursor = await cursor
            found: list[Document] = await cursor.to_list(None)
            return found

        return await self._ask("aggregate", None, read)

    async def drop(self) -> None:
        """Drop the collection (tests)."""
        await self._ask("drop", None, self._driver.drop)

    async def _delete(self, filter_: Filter, delete: Callable[[Filter], Awaitable[Any]]) -> int:
        result = await self._ask("delete", filter_.get("_id"), lambda: delete(filter_))
        return int(result.deleted_count)

    async def _bulk_once(self, writes: Sequence[Write]) -> tuple[int, list[Write]]:
        """Return how many documents changed and which upserts must be asked again."""
        what = self._attempt(f"{len(writes)} writes", None)
        with translated(what):
            try:
                async with asyncio.timeout(self._seconds):
                    result = await self._driver.bulk_write(list(writes), ordered=False)
                return result.modified_count + result.upserted_count + result.inserted_count, []
            except BulkWriteError as error:
                details, failures = error.details, write_errors(error)
                others = [f for f in failures if f.get("code") != DUPLICATE_KEY]
                if others or details.get("writeConcernErrors"):
                    raise of_bulk(what, _without_duplicates(error, others)) from error
        raced = [writes[failure["index"]] for failure in failures]
        count = details["nModified"] + len(details.get("upserted", ())) + details["nInserted"]
        return count, [write for write in raced if not isinstance(write, InsertOne)]

    async def _upsert_once(self, updates: Mapping[Any, Update]) -> Mapping[Any, Update]:
        """Return the updates that lost a race to create their document."""
        ids = list(updates)
        command = {
            "update": self.name,
            "updates": [{"q": {"_id": id_}, "u": updates[id_], "upsert": True} for id_ in ids],
            "ordered": False,
            "writeConcern": {"w": "majority"},
        }
        what = self._attempt(f"{len(ids)} upserts", None)
        with translated(what):
            try:
                async with asyncio.timeout(self._seconds):
                    answer = await self._driver.database.command(command)
            except DocumentTooLarge:  # for one message; the driver's bulk sends several
                await self.bulk([UpdateOne({"_id": id_}, updates[id_], upsert=True) for id_ in ids])
                return {}
        failures = answer.get("writeErrors", ())
        others = [failure for failure in failures if failure.get("code") != DUPLICATE_KEY]
        concern = [answer["writeConcernError"]] if "writeConcernError" in answer else []
        if others or concern:
            details = {"writeErrors": others, "writeConcernErrors": concern}
            raise of_bulk(what, BulkWriteError(details))
        return {ids[failure["index"]]: updates[ids[failure["index"]]] for failure in failures}

    async def _upsert(self, filter_: Filter, call: Callable[[], Awaitable[T]]) -> T:
        with translated(self._attempt("update", filter_.get("_id"))):
            for _ in range(UPSERT_TRIES - 1):
                try:
                    async with asyncio.timeout(self._seconds):
                        return await call()
                except DuplicateKeyError:
                    continue
            async with asyncio.timeout(self._seconds):
                return await call()

    async def _ask(self, verb: str, id_: Any, call: Callable[[], Awaitable[T]]) -> T:
        with translated(self._attempt(verb, id_)):
            async with asyncio.timeout(self._seconds):
                return await call()

    def _attempt(self, verb: str, id_: Any) -> str:
        return f"{verb} in {self.name}" if id_ is None else f"{verb} {id_} in {self.name}"


def _without_duplicates(
    error: BulkWriteError, others: Sequence[Mapping[str, Any]]
) -> BulkWriteError:
    """Return the same failure without lost upsert races, which say nothing about a record."""
    return BulkWriteError({**error.details, "writeErrors": list(others)})
