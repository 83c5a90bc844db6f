"""What the routes work with; built by the composition root, opened with the application."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from pravah_progress.api.gate import Gate
from pravah_progress.api.ingest import Ingest
from pravah_progress.api.pacing import Pacer
from pravah_progress.api.waiting import Watch
from pravah_progress.store import Store
from pravah_shared.http.health import ReadyCheck


@dataclass(frozen=True, slots=True)
class Parts:
    """The running parts of the API."""

    store: Store
    ingest: Ingest
    gate: Gate
    pacer: Pacer
    watch: Watch
    ready: ReadyCheck


async def parts_of(request: Request) -> Parts:
    """Return the parts of the application that serves `request`."""
    parts: Parts = request.app.state.parts
    return parts


PartsOf = Annotated[Parts, Depends(parts_of)]
"""Take it as a parameter of a route."""
