"""`python -m bench.noop PORT`: the baseline of ingest, a FastAPI route that does nothing.

The same body model, the same answer model, the same server settings and event loop as the
progress API; no token, no limit, no trace, no course, no Kafka.
"""

import asyncio
import sys

import uvloop
from fastapi import FastAPI

from pravah_progress.api.bodies import Accepted, Report
from pravah_shared.http.server import serve

app = FastAPI()
ANSWER = Accepted(accepted=1, token="0-0", flush_after_seconds=30)  # noqa: S106 - a read token


@app.post("/v1/progress", status_code=202)
async def do_nothing(report: Report) -> Accepted:  # noqa: ARG001 - reading it is the work
    """Validate the body, answer."""
    return ANSWER


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answer: the process serves."""
    return {"status": "ok"}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(app, "127.0.0.1", int(sys.argv[1])))
