"""Every error over HTTP is one `application/problem+json` (RFC 9457): what, why, what to do.

    raise Problem(409, "Already completed", f"{enrollment_id} is completed; it cannot be withdrawn")

`type` is `urn:pravah:problem:<slug>`, stable for programs; `title` and `detail` are for people.
`errors` names each wrong field, its problem and the remedy. `trace_id` finds the log lines.
Nothing of our inside (stack, driver's text, other learners' data) is ever in an answer.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from pravah_shared.errors import Refused, Transient
from pravah_shared.http.validation import FieldProblem, field_problems, is_malformed
from pravah_shared.telemetry.logs import get_logger
from pravah_shared.telemetry.traces import current_traceparent

log = get_logger()

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
"""Asked of clients when a dependency is away: most failovers of a replica set fit into a few."""

__all__ = ["FieldProblem", "Problem", "install", "problem_of", "problem_response"]


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """An answer that is not the one asked for. Raise it anywhere under a route."""

    def __init__(  # noqa: PLR0913 - the members of RFC 9457
        self,
        status: int,
        title: str,
        detail: str,
        *,
        type: str | None = None,  # noqa: A002 - RFC 9457's name
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, title, detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.type = type
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Body:
    """The members of a problem document, in the order they are read."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldProblem, ...]
    trace_id: str | None


def type_of(problem: Problem) -> str:
    """Return the URI that names the kind of problem."""
    return f"urn:pravah:problem:{problem.type}" if problem.type else "about:blank"


def problem_response(problem: Problem) -> Response:
    """Return the answer for `problem`, with the current trace id."""
    traceparent = current_traceparent()
    body = Body(
        type_of(problem),
        problem.title,
        problem.status,
        problem.detail,
        problem.errors,
        traceparent.split("-")[1] if traceparent else None,
    )
    members = {name: value for name, value in asdict(body).items() if value not in (None, ())}
    # A lone surrogate, which JSON can carry into a field's name, has no UTF-8.
    content = json.dumps(members, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(content, problem.status, problem.headers, MEDIA_TYPE)


def of_validation(error: RequestValidationError) -> Problem:
    """Return 400 for what is not JSON at all, else 422 with the fields."""
    errors = field_problems(error.errors())
    if is_malformed(error.errors()):
        detail = f"The body is not JSON: {errors[0].problem}; {errors[0].remedy}"
        return Problem(400, "Malformed body", detail, type="malformed-body")
    named = ", ".join(item.field for item in errors[:5])
    return Problem(
        422,
        "Invalid request",
        f"{len(errors)} of the request's fields cannot be taken: {named}",
        type="invalid-request",
        errors=errors,
    )


def of_http(error: HTTPException) -> Problem:
    """Return a problem for what the framework raises by itself: 400, 404, 405."""
    phrase = HTTPStatus(error.status_code).phrase
    remedies = {
        400: "The body cannot be read: send JSON in UTF-8, nested less deep",
        404: "There is nothing under this path; /docs lists what is",
        405: "This path does not take this method; the Allow header names those it takes",
    }
    detail = remedies.get(error.status_code, str(error.detail))
    return Problem(error.status_code, phrase, detail, headers=error.headers)


def of_transient(error: Transient) -> Problem:
    """Return 503: nothing is wrong with the request, so it may be sent again unchanged."""
    log.warning("http.dependency_away", error=type(error).__name__, reason=str(error))
    return Problem(
        503,
        "Temporarily unavailable",
        "Something this service depends on did not answer; send the same request again",
        type="dependency-away",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def of_refused(error: Refused) -> Problem:
    """Return 422: the store can never take what this request leads to."""
    log.warning("http.refused", reason=str(error))
    return Problem(
        422,
        "Refused",
        "The store cannot take what this request leads to: it is too large, or a value is out of "
        "range. Split it or correct it",
        type="refused",
    )


def of_unexpected(error: Exception) -> Problem:
    """Return 500 without a word on our inside; the log line has the rest, by trace id."""
    log.error("http.failed", error=type(error).__name__, exc_info=error)
    return Problem(
        500,
        "Internal error",
        "This is a fault of the service. It is safe to ask again; give trace_id when reporting it",
        type="internal-error",
    )


_PROBLEMS: Final[Sequence[tuple[type[Exception], Callable[[Any], Problem]]]] = (
    (Problem, lambda error: error),
    (RequestValidationError, of_validation),
    (HTTPException, of_http),
    (Transient, of_transient),
    (Refused, of_refused),
)


def problem_of(error: Exception) -> Problem:
    """Return what an error is answered with."""
    for kind, to_problem in _PROBLEMS:
        if isinstance(error, kind):
            return to_problem(error)
    return of_unexpected(error)


def install(app: FastAPI) -> None:
    """Make every error that a route raises a problem document; `Edge` does so with the others."""
    for kind, _ in _PROBLEMS:
        app.add_exception_handler(kind, _answer)


async def _answer(_request: Request, error: Exception) -> Response:
    return problem_response(problem_of(error))
