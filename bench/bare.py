"""`python -m bench.bare PORT`: the limit of ingest, that which no durable ingest can leave out.

Takes a body, has Kafka acknowledge it with acks=all, answers. The same server, event loop and
gathering publisher as the progress API; nothing is read, checked, judged, counted or traced, and
no route of a framework is asked.
"""

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvloop
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench import learning
from bench.ingest import LEARNERS
from bench.noop import ANSWER
from pravah_progress.settings import ProgressSettings
from pravah_shared.codec import Encoded
from pravah_shared.events import Progressed
from pravah_shared.http.server import serve
from pravah_shared.kafka.gathering import Gathering
from pravah_shared.kafka.publisher import Publisher

KEYS: Final = itertools.cycle([learning.learner_id(n).encode() for n in range(LEARNERS)])
CONTENT: Final = ANSWER.model_dump_json().encode()
BODY: Final[Message] = {"type": "http.response.body", "body": CONTENT}
HEADERS: Final = [(b"content-length", b"%d" % len(CONTENT)), (b"content-type", b"application/json")]


@asynccontextmanager
async def _publishing(app: FastAPI) -> AsyncIterator[None]:
    async with Publisher(ProgressSettings(), client_id="bare") as publisher:
        app.state.gathering = Gathering(publisher, Progressed)
        yield
        await app.state.gathering.stop()


class Bare:
    """ASGI: everything but /healthz is a body to be kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep a body."""
        if scope["path"] == "/healthz":
            status = 200
        else:
            body = (await receive())["body"]
            record = Encoded(Progressed.topic, next(KEYS), body, [])
            await scope["app"].state.gathering.publish_records([record])
            status = 202
        await send({"type": "http.response.start", "status": status, "headers": HEADERS})
        await send(BODY)


app = FastAPI(lifespan=_publishing)
app.add_middleware(Bare)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(app, "127.0.0.1", int(sys.argv[1])))
