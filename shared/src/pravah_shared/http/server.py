"""Serves an application over HTTP within a process that has other things to do.

The process owns the signals (`pravah_shared.service`): a stream must end before its health server.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from pravah_shared.errors import ConfigurationError
from pravah_shared.http.head import BoundedProtocol

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the idle time of common gateways (60 s), so that they close first, not in a race."""
DRAIN_SECONDS: Final = 5
"""What open requests get at a stop. Event streams never end by themselves and are cut then."""
BACKLOG: Final = 2048


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket; port 0 takes a free one.

    Raises:
        ConfigurationError: the address cannot be had; the message says what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror}"
        raise ConfigurationError(
            f"{host}:{port} {why}; `pravah doctor` names who has it, PRAVAH_*_PORT moves a service"
        ) from error
    return listening


@asynccontextmanager
async def running(app: FastAPI, host: str, port: int) -> AsyncIterator[int]:
    """Serve `app` while the block runs; yield the port. Leaving drains for DRAIN_SECONDS.

    The port is taken first: a second copy of a process fails before it touches anything else.
    What the application's lifespan raises comes out of here.

    Raises:
        ConfigurationError: the address cannot be had, or the application refuses to start.
    """
    with contextlib.closing(listen(host, port)) as listening:
        async with app.router.lifespan_context(app):
            server = _Server(_config(app))
            serving = asyncio.create_task(server.serve(sockets=[listening]), name=f"http:{port}")
            try:
                await _started(server, serving)
                yield listening.getsockname()[1]
            finally:
                server.should_exit = True
                await serving


async def serve(app: FastAPI, host: str, port: int) -> None:
    """Serve `app` until cancelled, then drain and pass the cancellation on."""
    async with running(app, host, port):
        await asyncio.Event().wait()


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",  # run above: uvicorn would turn its errors into an exit code
        log_config=None,  # telemetry.logs has the handlers
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


async def _started(server: _Server, serving: "asyncio.Task[None]") -> None:
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has but a flag
        await asyncio.sleep(0.005)
    if serving.done():
        await serving  # raises what ended it
