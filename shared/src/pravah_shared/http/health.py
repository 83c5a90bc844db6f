"""/healthz (alive), /readyz (can serve, and if not, what is missing), /metrics."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import REGISTRY

from pravah_shared.errors import Transient
from pravah_shared.http.identity import public

READY_SECONDS: Final = 2.0
"""A probe's patience. A dependency that needs longer is missing."""
DEPENDENCY_SECONDS: Final = 1.5
"""One dependency's share of it: shorter, so that the answer names which one is missing."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a process can serve. `runner` names the stream engine; `missing` says what lacks."""

    ready: bool
    missing: tuple[str, ...] = ()
    runner: str | None = None


ReadyCheck = Callable[[], Awaitable[Readiness]]
AliveCheck = Callable[[], bool]


def always_alive() -> bool:
    """Say yes: a process that only answers HTTP lives as long as it answers."""
    return True


def ready_when(**dependencies: Callable[[], Awaitable[object]]) -> ReadyCheck:
    """Return a check that asks all `dependencies` at once: `ready_when(store=database.ping)`.

    One is missing when its call raises Transient or takes longer than DEPENDENCY_SECONDS.
    """

    async def check() -> Readiness:
        answers = await asyncio.gather(*(_answers(ask) for ask in dependencies.values()))
        missing = tuple(
            name for name, answered in zip(dependencies, answers, strict=True) if not answered
        )
        return Readiness(not missing, missing)

    return check


async def _answers(ask: Callable[[], Awaitable[object]]) -> bool:
    try:
        async with asyncio.timeout(DEPENDENCY_SECONDS):
            await ask()
    except (Transient, TimeoutError):
        return False
    return True


async def readiness(check: ReadyCheck) -> Readiness:
    """Return what `check` finds; not ready when it takes too long or a dependency is away."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            return await check()
    except TimeoutError:
        return Readiness(ready=False, missing=(f"an answer within {READY_SECONDS:g} s",))
    except Transient as error:
        return Readiness(ready=False, missing=(type(error).__name__,))


def health_router(service: str, ready: ReadyCheck, alive: AliveCheck = always_alive) -> APIRouter:
    """Return the routes that every process serves, for the platform rather than for clients."""
    router = APIRouter(dependencies=[public()], include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> Response:
        """Tell whether the process lives and its loop turns: 503 asks for a restart."""
        living = alive()
        return JSONResponse({"service": service, "alive": living}, 200 if living else 503)

    @router.get("/readyz")
    async def readyz() -> Response:
        """Tell whether the process can do its work now: 503 asks for patience."""
        found = await readiness(ready)
        return JSONResponse({"service": service, **asdict(found)}, 200 if found.ready else 503)

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        """Return the process's metrics, in the format that the scraper prefers."""
        encoder, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encoder(REGISTRY), headers={"Content-Type": content_type})

    return router
