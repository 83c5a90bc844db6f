"""A connection to one database, with the guarantees pinned in code, not in a URI."""

import asyncio
from datetime import UTC
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient
from pymongo.errors import ConfigurationError as DriverConfigurationError
from pymongo.errors import InvalidURI

from pravah_shared.errors import ConfigurationError
from pravah_shared.mongo.classify import translated
from pravah_shared.mongo.collection import BACKSTOP_SECONDS, Collection

Engine: TypeAlias = Literal["motor", "pymongo"]

DEADLINE_SECONDS = 10.0
"""For one call, the driver's own retries included. A bulk of 500 takes well under a second."""


class Database:
    """One database on one client. Built by `connect`, which sends nothing yet.

    An async context manager: leaving it closes the client.
    """

    def __init__(self, client: Any, name: str, deadline_seconds: float) -> None:
        self._client = client
        self._driver = client[name]
        self._deadline_seconds = deadline_seconds
        self.name = name

    @classmethod
    def connect(
        cls,
        uri: str,
        name: str,
        *,
        engine: Engine = "motor",
        deadline_seconds: float = DEADLINE_SECONDS,
        setting: str = "PRAVAH_MONGO_URI",
    ) -> Self:
        """Prepare a client; the first call connects. Call it inside a running event loop.

        Majority writes, reads from the primary and retryable writes override the URI: a
        deployment that loosens them would lose what was answered 2xx.

        Raises:
            ConfigurationError: the URI cannot be used; it names `setting`, which holds it.
        """
        make: Any = AsyncIOMotorClient if engine == "motor" else AsyncMongoClient
        try:
            client = make(
                uri,
                w="majority",
                journal=True,
                retryWrites=True,
                readPreference="primary",
                tz_aware=True,
                tzinfo=UTC,
                timeoutMS=int(deadline_seconds * 1000),
                appname="pravah",
            )
        except (InvalidURI, DriverConfigurationError, ValueError) as error:
            raise ConfigurationError(f"{setting} cannot be used: {error}") from error
        return cls(client, name, deadline_seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def collection(self, name: str) -> Collection:
        """Return the collection; creates nothing."""
        return Collection(self._driver[name], name, self._deadline_seconds)

    async def ping(self) -> None:
        """Ask the server for a sign of life.

        Raises:
            StoreUnavailable: it gave none within the deadline.
        """
        await self._command("ping of the store", self._driver.command("ping"))

    async def drop(self) -> None:
        """Drop the database (tests)."""
        await self._command(f"drop of {self.name}", self._client.drop_database(self.name))

    async def close(self) -> None:
        """Close the client. Calls under way fail with StoreUnavailable."""
        closing = self._client.close()
        if closing is not None:  # PyMongo Async; Motor closes at once
            await closing

    async def _command(self, what: str, work: Any) -> None:
        with translated(what):
            async with asyncio.timeout(self._deadline_seconds + BACKSTOP_SECONDS):
                await work
