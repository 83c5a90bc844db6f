"""Routes that take progress in."""

from typing import Annotated

from fastapi import APIRouter, Response

from pravah_progress.api.bodies import (
    Accepted,
    BatchAccepted,
    RefusedReport,
    Report,
    Reports,
)
from pravah_progress.api.parts import PartsOf
from pravah_shared.http.identity import Principal, allow
from pravah_shared.http.problems import Problem

router = APIRouter(prefix="/v1/progress", tags=["progress"])

Sender = Annotated[Principal, allow("learner", "operator", "system", scopes=["progress:write"])]

PARTLY = 207
"""Multi-Status: some reports were refused; the body tells which."""


@router.post("", status_code=202)
async def report_progress(principal: Sender, report: Report, parts: PartsOf) -> Accepted:
    """Take the progress of one learner in one course. Safe to repeat: merging ignores repeats.

    202: it is kept on all replicas and will be merged. That holds for a course not known yet, a
    learner not enrolled or withdrawn, too: `explain` says what it counts for. Times in the future
    count as now; beyond a day they are refused, and so are units that a known course lacks.
    """
    (taken,) = await parts.ingest.take(principal, [report])
    if isinstance(taken, Problem):
        raise taken
    return Accepted(
        accepted=len(report.updates) + len(report.attempts),
        token=str(taken),
        flush_after_seconds=parts.flush_after_seconds,
    )


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
    taken = await parts.ingest.take(principal, body.reports)
    refused = tuple(
        RefusedReport(
            index=index,
            status=problem.status,
            title=problem.title,
            detail=problem.detail,
            errors=problem.errors,
        )
        for index, problem in enumerate(taken)
        if isinstance(problem, Problem)
    )
    if refused:
        response.status_code = PARTLY
    return BatchAccepted(
        accepted=len(taken) - len(refused),
        refused=refused,
        tokens=tuple(None if isinstance(one, Problem) else str(one) for one in taken),
        flush_after_seconds=parts.flush_after_seconds,
    )
