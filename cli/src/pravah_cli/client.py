"""The services' public HTTP APIs, as a client app or another system uses them."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx

from pravah_shared.errors import PravahError
from pravah_shared.locales import SOURCE_LOCALE

Json = Any
RETRIED = frozenset({408, 429, 502, 503, 504})
_CONNECTIONS = 64


class Unanswered(PravahError):  # noqa: N818 - what happened, read in `except Unanswered`
    """A service did not answer, or not as its contract says; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs of the four services."""

    enrollment: str = "http://127.0.0.1:8001"
    progress: str = "http://127.0.0.1:8002"
    certificate: str = "http://127.0.0.1:8003"
    notification: str = "http://127.0.0.1:8004"


class Client:
    """Calls the services with a bearer token. An async context manager.

    What a service cannot do now (503, 429, connection lost) is asked again until
    `patience_seconds` are over: every call here is safe to repeat. Texts come in the best of
    `languages`, an Accept-Language header.
    """

    def __init__(
        self,
        addresses: Addresses,
        token: Callable[[], str],
        *,
        patience_seconds: float = 60,
        languages: str = SOURCE_LOCALE,
    ) -> None:
        self.addresses = addresses
        self._token = token
        self._patience = patience_seconds
        self._http = httpx.AsyncClient(
            headers={"accept-language": languages},
            timeout=httpx.Timeout(30),
            limits=httpx.Limits(
                max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS
            ),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def call(
        self,
        method: str,
        url: str,
        *,
        body: Json = None,
        params: Mapping[str, str] | None = None,
        expect: Sequence[int] = (200,),
    ) -> httpx.Response:
        """Return the answer once its status is one of `expect`.

        Raises:
            Unanswered: another status, or nothing usable before the patience ended.
        """
        deadline = asyncio.get_running_loop().time() + self._patience
        pause = 0.05
        while True:
            said = "no answer"
            try:
                answer = await self._http.request(
                    method,
                    url,
                    json=body,
                    params=params,
                    headers={"authorization": f"Bearer {self._token()}"},
                )
            except httpx.TransportError as error:
                said = repr(error)
            else:
                if answer.status_code in expect:
                    return answer
                said = f"{answer.status_code} {answer.text[:500]}"
                if answer.status_code not in RETRIED:
                    raise Unanswered(f"{method} {url}: {said}")
            if asyncio.get_running_loop().time() + pause > deadline:
                raise Unanswered(f"{method} {url}: {said}, for {self._patience:.0f} s")
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
            pause = min(pause * 2, 2)

    async def put_course(self, course_id: str, course: Mapping[str, Any]) -> None:
        """Create the course, or its next version."""
        url = f"{self.addresses.enrollment}/v1/courses/{course_id}"
        await self.call("PUT", url, body=course, expect=(200, 201))

    async def put_learner(self, learner_id: str, learner: Mapping[str, Any]) -> None:
        """Create the learner, or change them."""
        url = f"{self.addresses.enrollment}/v1/learners/{learner_id}"
        await self.call("PUT", url, body=learner, expect=(200, 201))

    async def enroll(self, learner_id: str, course_id: str, at: datetime) -> str:
        """Enroll at a business time, as an operator may. Returns the enrollment's id."""
        body = {"learner_id": learner_id, "course_id": course_id, "enrolled_at": at.isoformat()}
        url = f"{self.addresses.enrollment}/v1/enrollments"
        answer = await self.call("POST", url, body=body, expect=(200, 201))
        return str(answer.json()["enrollment_id"])

    async def withdraw(self, enrollment_id: str, at: datetime) -> bool:
        """Withdraw at a business time. False when it is completed already (409)."""
        url = f"{self.addresses.enrollment}/v1/enrollments/{enrollment_id}"
        answer = await self.call(
            "DELETE", url, params={"withdrawn_at": at.isoformat()}, expect=(200, 204, 409)
        )
        return answer.status_code != httpx.codes.CONFLICT

    async def report(self, reports: Sequence[Mapping[str, Any]]) -> Json:
        """Hand in progress of up to 1,000 learner-courses. Returns the service's answer."""
        url = f"{self.addresses.progress}/v1/progress/batch"
        answer = await self.call("POST", url, body={"reports": list(reports)}, expect=(202, 207))
        return answer.json()

    async def enrollments(self, learner_id: str) -> list[Json]:
        """List a learner's enrollments as enrollment knows them."""
        return await self._items(
            f"{self.addresses.enrollment}/v1/learners/{learner_id}/enrollments"
        )

    async def inbox(self, learner_id: str) -> list[Json]:
        """List a learner's in-app messages."""
        return await self._items(f"{self.addresses.notification}/v1/learners/{learner_id}/inbox")

    async def progress(self, learner_id: str, course_id: str) -> Json | None:
        """Return one course's progress, or None when progress knows nothing of it."""
        url = f"{self.addresses.progress}/v1/learners/{learner_id}/courses/{course_id}/progress"
        answer = await self.call("GET", url, expect=(200, 404))
        return None if answer.status_code == httpx.codes.NOT_FOUND else answer.json()

    async def _items(self, url: str) -> list[Json]:
        items: list[Json] = []
        cursor: str | None = None
        while True:
            params = {"limit": "200", **({"cursor": cursor} if cursor else {})}
            page = (await self.call("GET", url, params=params)).json()
            items += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return items
