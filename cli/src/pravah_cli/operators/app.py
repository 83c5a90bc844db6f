"""The operators' page over HTTP: the page, its snapshot as JSON, and a stream of snapshots."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, StreamingResponse

from pravah_cli.operators.watch import Watch

PAGES = Path(__file__).parent / "pages"
POLICY = "default-src 'self'; frame-ancestors 'none'"
"""Everything comes from here: the page works in a network without a way out."""


def create_app(watch: Watch) -> FastAPI:
    """Build the application that shows what `watch` sees."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(watch.run())
        yield
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    app = FastAPI(title="Pravah operators' page", lifespan=lifespan, docs_url=None, redoc_url=None)

    @app.get("/")
    def page() -> FileResponse:
        return FileResponse(PAGES / "page.html", headers={"content-security-policy": POLICY})

    @app.get("/page.js")
    def script() -> FileResponse:
        return FileResponse(PAGES / "page.js")

    @app.get("/page.css")
    def style() -> FileResponse:
        return FileResponse(PAGES / "page.css")

    @app.get("/snapshot.json")
    async def now() -> dict[str, Any]:
        return asdict(watch.latest) if watch.latest else {}

    @app.get("/events")
    async def events() -> StreamingResponse:
        return StreamingResponse(messages(watch), media_type="text/event-stream")

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


async def messages(watch: Watch) -> AsyncIterator[str]:
    """Yield snapshots as server-sent events."""
    async for snapshot in watch.follow():
        yield f"data: {json.dumps(asdict(snapshot))}\n\n"
