"""Routes that take progress in, as they are declared: contract, access, documentation.

Most requests never come here: `lane.py` takes those that it can read at once, by the same parts.
"""

from typing import Annotated

from fastapi import APIRouter, Response

from pravah_progress.api.answers import accepted, batch_accepted, unless_invalid
from pravah_progress.api.bodies import Accepted, BatchAccepted, Report, Reports
from pravah_progress.api.parts import PartsOf
from pravah_progress.api.reading import by_contract, of
from pravah_progress.api.waiting import Token
from pravah_shared.http.identity import Principal, allow

router = APIRouter(prefix="/v1/progress", tags=["progress"])

SENDER = allow("learner", "operator", "system", scopes=["progress:write"])
Sender = Annotated[Principal, SENDER]

PARTLY = 207
"""Multi-Status: some reports were refused; the body tells which."""


@router.post("", status_code=202)
async def report_progress(principal: Sender, report: Report, parts: PartsOf) -> Accepted:
    """Take the progress of one learner in one course. Safe to repeat: merging ignores repeats.

    202: it is kept on all replicas and will be merged. That holds for a course not known yet, a
    learner not enrolled or withdrawn, too: `explain` says what it counts for. Times in the future
    count as now; beyond a day they are refused, and so are units that a known course lacks and
    all that is new to a retired one (`course-retired`). 503: send it again, unchanged, after the
    seconds in Retry-After.
    """
    reported = of(report)
    at = await parts.ingest.take_one(principal, reported)
    return accepted(reported, Token.of(at), parts.pacer.book())


@router.post(
    "/batch",
    status_code=202,
    responses={PARTLY: {"model": BatchAccepted, "description": "Some reports were refused"}},
)
async def report_batch(
    principal: Sender, body: Reports, parts: PartsOf, response: Response
) -> BatchAccepted:
    """Take up to 1,000 reports. Each is judged by itself, as POST /v1/progress judges it.

    202: all are kept. 207: those in `refused` are not, by their index, each with the status and
    the problem it would have got alone; the others are kept.
    """
    reports = [unless_invalid(by_contract(one)) for one in body.reports]
    answer = batch_accepted(
        await parts.ingest.take(principal, reports), parts.pacer.book(len(reports))
    )
    if answer.refused:
        response.status_code = PARTLY
    return answer
