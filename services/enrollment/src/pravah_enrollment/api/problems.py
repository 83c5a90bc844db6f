"""This service's answers to what it cannot take."""

from fastapi import FastAPI, Request, Response

from pravah_enrollment.model import AlreadyCompleted, Rejected
from pravah_shared.http.problems import FieldProblem, Problem, problem_response
from pravah_shared.keys import Erased


def unknown(what: str, remedy: str) -> Problem:
    """Return 404 for what the path names."""
    return Problem(404, "Not found", f"There is no {what}; {remedy}", type="not-found")


def erased(learner_id: str) -> Problem:
    """Return 410: the id was used, and never will be again."""
    detail = f"Learner {learner_id} was erased; use a new id for another person"
    return Problem(410, "Erased", detail, type="learner-erased")


def of_rejected(error: Rejected) -> Problem:
    """Return 409 for a completion that stands, else 422 with the field and its remedy."""
    if isinstance(error, AlreadyCompleted):
        detail = f"The enrollment {error.problem}; a completion is final"
        return Problem(409, "Already completed", detail, type="already-completed")
    wrong = FieldProblem(error.field_name, error.problem, error.remedy)
    detail = f"{error.field_name} {error.problem}"
    return Problem(422, "Invalid request", detail, type="invalid-request", errors=[wrong])


def install(app: FastAPI) -> None:
    """Answer what the rules reject and what erasure has taken."""
    app.add_exception_handler(Rejected, _rejected)
    app.add_exception_handler(Erased, _erased)


async def _rejected(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Rejected)
    return problem_response(of_rejected(error))


async def _erased(request: Request, error: Exception) -> Response:
    assert isinstance(error, Erased)
    return problem_response(erased(request.path_params.get("learner_id", "")))
