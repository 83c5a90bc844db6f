"""What ingest answers, in one place for its two lanes (lane.py)."""

from collections.abc import Sequence

from pydantic import ValidationError

from pravah_progress.api.bodies import Accepted, BatchAccepted, RefusedReport
from pravah_progress.api.judging import invalid
from pravah_progress.api.reading import Reported
from pravah_progress.api.waiting import Token
from pravah_shared.http.problems import Problem, type_of
from pravah_shared.http.validation import field_problems


def accepted(report: Reported, token: Token, flush_after_seconds: int) -> Accepted:
    """Answer a report that was taken."""
    return Accepted(
        accepted=report.count, token=str(token), flush_after_seconds=flush_after_seconds
    )


def batch_accepted(taken: Sequence[Token | Problem], flush_after_seconds: int) -> BatchAccepted:
    """Answer a batch, of which perhaps a part was taken."""
    refused = tuple(
        RefusedReport(
            index=index,
            status=problem.status,
            type=type_of(problem),
            title=problem.title,
            detail=problem.detail,
            errors=problem.errors,
        )
        for index, problem in enumerate(taken)
        if isinstance(problem, Problem)
    )
    return BatchAccepted(
        accepted=len(taken) - len(refused),
        refused=refused,
        tokens=tuple(None if isinstance(one, Problem) else str(one) for one in taken),
        flush_after_seconds=flush_after_seconds,
    )


def unless_invalid(report: Reported | ValidationError) -> Reported | Problem:
    """Return a report, or in our own words what the contract has against it.

    Its places are named as within a single report.
    """
    if isinstance(report, Reported):
        return report
    return invalid(
        field_problems([{**item, "loc": ("body", *item["loc"])} for item in report.errors()])
    )


def overloaded(retry_after_seconds: int) -> Problem:
    """Return 503: nothing was looked at; come again later."""
    return Problem(
        503,
        "Too many requests under way",
        "The service takes no more at the moment; send the same request again after the seconds "
        "in Retry-After",
        type="overloaded",
        headers={"Retry-After": str(retry_after_seconds)},
    )


def broker_away(retry_after_seconds: int) -> Problem:
    """Return 503: Kafka did not confirm. Parts may be kept; repeats are harmless."""
    return Problem(
        503,
        "Temporarily unavailable",
        "It is not known to be kept. Send the same request again after the seconds in Retry-After",
        type="dependency-away",
        headers={"Retry-After": str(retry_after_seconds)},
    )
