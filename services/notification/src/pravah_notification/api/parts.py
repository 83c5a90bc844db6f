"""What the routes work with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from pravah_notification.channels.inapp import InAppChannel
from pravah_notification.channels.tail import Tail
from pravah_notification.settings import NotificationSettings
from pravah_notification.store import Directory, Inbox, Ledger
from pravah_notification.templates import Renderer
from pravah_shared.http.health import ReadyCheck
from pravah_shared.mongo import Database


@dataclass(frozen=True, slots=True)
class Parts:
    """The real parts of the API's process, opened by its lifespan."""

    settings: NotificationSettings
    database: Database
    ledger: Ledger
    inbox: Inbox
    directory: Directory
    inapp: InAppChannel
    tail: Tail
    renderer: Renderer
    ready: ReadyCheck
    clock: Callable[[], datetime]


async def _of(request: Request) -> Parts:
    return cast("Parts", request.app.state.parts)


Given = Annotated[Parts, Depends(_of)]
"""Take it as a parameter: `async def deliveries(parts: Given)`."""
