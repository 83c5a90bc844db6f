"""The notification API."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from fastapi import FastAPI

from pravah_notification.api import inbox, live, operators, page
from pravah_notification.api.parts import Parts
from pravah_notification.settings import NotificationSettings
from pravah_shared.http.app import create_app
from pravah_shared.http.health import Readiness
from pravah_shared.http.pages import PageSessions
from pravah_shared.processing.health import Health
from pravah_shared.processing.retry import Retry

Open = Callable[[], AbstractAsyncContextManager[Parts]]


def create_api(settings: NotificationSettings, open_parts: Open) -> FastAPI:
    """Return the application. Its lifespan opens the parts and follows the inboxes."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_parts() as parts:
            app.state.parts = parts
            if settings.environment == "dev":
                sessions = parts.database.collection("page_sessions")
                app.state.page_sessions = PageSessions(settings, "notification", sessions)
            beside = asyncio.create_task(_beside(app, parts), name="inbox-tail")
            try:
                yield
            finally:
                beside.cancel()
                with suppress(asyncio.CancelledError):
                    await beside

    async def ready() -> Readiness:
        parts: Parts = app.state.parts
        return await parts.ready()

    app = create_app("notification", settings, lifespan=lifespan, ready=ready)
    for router in (inbox.router, live.router, operators.router, page.router):
        app.include_router(router)
    return app


async def _beside(app: FastAPI, parts: Parts) -> None:
    """Follow the inboxes; before that, once the store answers, let it forget old sessions."""
    if sessions := getattr(app.state, "page_sessions", None):
        await Retry(Health("notification-api"))("prepare", sessions.prepare)
    await parts.tail.run()
