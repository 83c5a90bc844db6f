"""What the routes work with; built by the composition root, opened with the application."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from pravah_enrollment.api.erasure import Eraser
from pravah_enrollment.store import Stamp, Store
from pravah_shared.http.health import ReadyCheck
from pravah_shared.http.idempotency import IdempotencyStore
from pravah_shared.keys import KeyStore
from pravah_shared.outbox import Outbox
from pravah_shared.telemetry.traces import current_traceparent


@dataclass(frozen=True, slots=True)
class Parts:
    """The running parts of the API. `outbox` publishes what was enrolled, as soon as it can."""

    store: Store
    keys: KeyStore
    eraser: Eraser
    outbox: Outbox
    idempotency: IdempotencyStore
    ready: ReadyCheck
    clock: Callable[[], datetime]

    def stamp(self) -> Stamp:
        """Return when the current request is accepted, and its trace."""
        return Stamp(self.clock(), current_traceparent())


async def parts_of(request: Request) -> Parts:
    """Return the parts of the application that serves `request`."""
    parts: Parts = request.app.state.parts
    return parts


PartsOf = Annotated[Parts, Depends(parts_of)]
"""Take it as a parameter of a route."""
