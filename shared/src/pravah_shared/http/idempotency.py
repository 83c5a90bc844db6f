"""Idempotency-Key: a POST sent twice has its effect once and gets the same answer.

    async def enroll(body: Enroll, who: …, once: Once) -> Response:
        return await once.answer(lambda: self._enroll(body))

The key belongs to the principal. In order: insert the record (it claims the key), do the work,
complete the record with the answer. Another request with the key meanwhile gets 409; later the
kept answer; with another body 422. When the work fails, the claim is given back: nothing is kept
of errors. A process that dies in between leaves a claim that another takes over after
CLAIM_SECONDS, so the work itself must bear repetition (ours does: its ids are derived).
"""

import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Header, Request, Response

from pravah_shared.http.pages import utc_now
from pravah_shared.http.problems import Problem
from pravah_shared.http.validation import FieldProblem

if TYPE_CHECKING:
    from pravah_shared.http.principal import Principal
    from pravah_shared.mongo import Collection, Document

KEPT_HOURS: Final = 48
"""How long an answer is replayed: a client that was offline for a day may still ask."""
CLAIM_SECONDS: Final = 60
"""Beyond every deadline of a request's work; then whoever claimed the key is gone."""
REPLAYED: Final = "Idempotency-Replayed"
KEY: Final = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?')
"""Visible ASCII, with or without the quotes of the IETF draft (a structured-field string)."""

Work = Callable[[], Awaitable[Response]]


class IdempotencyStore:
    """The records of idempotency keys, in one collection of the service's store."""

    def __init__(self, collection: "Collection", clock: Callable[[], datetime] = utc_now) -> None:
        self._collection = collection
        self._clock = clock

    async def prepare(self) -> None:
        """Create the index by which the store forgets old keys. Safe to repeat."""
        await self._collection.ensure_index("expiry", [("expires_at", 1)], expire_after_seconds=0)

    async def answer(self, key_id: str, digest: str, work: Work) -> Response:
        """Do the work once for this key, or return the answer that it had.

        Raises:
            Problem: 409: it is being done right now; 422: the key was used for something else.
            Transient: the store is away. Whether the work was done is not known: ask again.
        """
        owner = uuid.uuid4().hex
        kept = await self._claim(key_id, digest, owner)
        if kept is not None:
            return _replay(kept, digest)
        try:
            response = await work()
        except Exception:
            await self._give_back(key_id, owner)
            raise
        if response.status_code < 400:  # noqa: PLR2004 - HTTP: from here on errors
            await self._complete(key_id, owner, response)
        else:
            await self._give_back(key_id, owner)
        return response

    async def _claim(self, key_id: str, digest: str, owner: str) -> "Document | None":
        """Claim the key. None: it is ours; else the record of who has it."""
        now = self._clock()
        claim = {
            "digest": digest,
            "owner": owner,
            "claimed_at": now,
            "expires_at": now + timedelta(hours=KEPT_HOURS),
        }
        if await self._collection.insert_once({"_id": key_id, **claim}):
            return None
        abandoned = {
            "_id": key_id,
            "digest": digest,
            "status": None,  # also matches where the field is missing: not completed
            "claimed_at": {"$lt": now - timedelta(seconds=CLAIM_SECONDS)},
        }
        if await self._collection.update_one(abandoned, {"$set": claim}):
            return None
        kept = await self._collection.find_one({"_id": key_id})
        return kept or {"digest": digest}  # given back this moment: the client asks again

    async def _complete(self, key_id: str, owner: str, response: Response) -> None:
        answer = {
            "status": response.status_code,
            "media_type": response.headers.get("content-type"),
            "location": response.headers.get("location"),
            "body": bytes(response.body),
        }
        await self._collection.update_one({"_id": key_id, "owner": owner}, {"$set": answer})

    async def _give_back(self, key_id: str, owner: str) -> None:
        await self._collection.delete_one({"_id": key_id, "owner": owner, "status": None})


def _replay(kept: "Document", digest: str) -> Response:
    if kept["digest"] != digest:
        remedy = "send a new key for a new request, or the first request unchanged"
        wrong = FieldProblem("header Idempotency-Key", "was used for another request", remedy)
        detail = "This Idempotency-Key was used with another body or path"
        raise Problem(422, "Key used before", detail, type="idempotency-key-reused", errors=[wrong])
    if kept.get("status") is None:
        detail = "A request with this Idempotency-Key is being worked on; ask again for its answer"
        headers = {"Retry-After": "1"}
        raise Problem(409, "In progress", detail, type="idempotency-in-progress", headers=headers)
    headers = {REPLAYED: "true"}
    for name, member in (("Content-Type", "media_type"), ("Location", "location")):
        if kept.get(member):
            headers[name] = kept[member]
    return Response(bytes(kept["body"]), kept["status"], headers)


@dataclass(frozen=True, slots=True)
class OnceRequest:
    """One request's idempotency: with a key `answer` does the work once, without it every time."""

    request: Request
    key: str | None

    async def answer(self, work: Work) -> Response:
        """Return the answer of `work`, done now or kept from before; see `IdempotencyStore`."""
        if self.key is None:
            return await work()
        store: IdempotencyStore = self.request.app.state.idempotency
        principal: Principal = self.request.state.principal
        key_id = _digest(principal.subject, self.key)
        url = self.request.url
        digest = _digest(self.request.method, url.path, url.query, await self.request.body())
        return await store.answer(key_id, digest, work)


def _digest(*parts: str | bytes) -> str:
    """Return one digest of all parts, each with its length: no two lists look alike."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8))
        digest.update(content)
    return digest.hexdigest()


async def _once(
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(description="Any text of yours, at most 255 characters, per request")
    ] = None,
) -> OnceRequest:
    if idempotency_key is None:
        return OnceRequest(request, None)
    match = KEY.fullmatch(idempotency_key)
    if match is None:
        remedy = "send 1 to 255 visible ASCII characters, for example a UUID"
        wrong = FieldProblem("header Idempotency-Key", "is no key", remedy)
        detail = "The Idempotency-Key cannot be read"
        raise Problem(400, "Invalid key", detail, type="invalid-request", errors=[wrong])
    return OnceRequest(request, match[1])


Once = Annotated[OnceRequest, Depends(_once)]
"""Take it as a parameter of a POST, after the principal: `once: Once`."""
