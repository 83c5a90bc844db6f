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
                await app.state.page_sessions.prepare()
            tail = asyncio.create_task(parts.tail.run(), name="inbox-tail")
            try:
                yield
            finally:
                tail.cancel()
                with suppress(asyncio.CancelledError):
                    await tail

    async def ready() -> Readiness:
        await app.state.parts.database.ping()
        return Readiness(ready=True)

    app = create_app("notification", settings, lifespan=lifespan, ready=ready)
    for router in (inbox.router, live.router, operators.router, page.router):
        app.include_router(router)
    return app
