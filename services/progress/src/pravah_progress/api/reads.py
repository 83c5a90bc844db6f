"""Routes that show progress and explain it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query

from pravah_progress.api.bodies import ProgressPage, Trace
from pravah_progress.api.parts import Parts, PartsOf
from pravah_progress.api.waiting import Token
from pravah_progress.model import CourseCounts, Document, DocumentKey
from pravah_progress.rules import explain, summary, view
from pravah_progress.rules.explanation import Explanation
from pravah_progress.rules.overview import ALONE, Beside
from pravah_progress.rules.views import CourseView
from pravah_shared.events import Course
from pravah_shared.events.types import ID_PATTERN
from pravah_shared.http.identity import Principal, allow
from pravah_shared.http.paging import Page
from pravah_shared.http.problems import Problem
from pravah_shared.locales import preferred_languages

router = APIRouter(tags=["progress"])

COURSE_AGE_SECONDS = 5.0
MOST_WAIT_SECONDS = 20.0

Reader = Annotated[
    Principal, allow("learner", "mdo_admin", "operator", "system", scopes=["learners:read"])
]
Counter = Annotated[Principal, allow("publisher", "operator", "system", scopes=["learners:read"])]
"""Not an mdo_admin: the counts are of all MDOs' learners."""
Observer = Annotated[Principal, allow("operator", "system", scopes=["learners:read"])]
LearnerId = Annotated[str, Path(pattern=ID_PATTERN)]
CourseId = Annotated[str, Path(pattern=ID_PATTERN)]
AcceptLanguage = Annotated[str, Header(description="Languages of titles and sentences, best first")]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose progress in which course is asked for, in which languages."""

    key: DocumentKey
    preferred: tuple[str, ...]

    @property
    def nothing(self) -> Document:
        """Return the document of a learner of whom nothing is known."""
        return {"learner_id": self.key.learner_id, "course_id": self.key.course_id}


async def asked(
    learner_id: LearnerId, course_id: CourseId, accept_language: AcceptLanguage = ""
) -> Asked:
    """Read a request's path and languages."""
    return Asked(DocumentKey(learner_id, course_id), preferred_languages(accept_language))


@router.get("/v1/learners/{learner_id}/progress")
async def list_progress(
    principal: Reader,
    learner_id: LearnerId,
    page: Page,
    parts: PartsOf,
    accept_language: AcceptLanguage = "",
) -> ProgressPage:
    """List a learner's courses, by course id. An mdo_admin sees those enrolled under their MDO."""
    manages = not (principal.is_trusted or principal.owns(learner_id))
    if manages and not re.fullmatch(ID_PATTERN, principal.mdo_id or ""):
        principal.must_manage(None)  # no enrollment names such an MDO
    documents = await parts.store.documents.of_learner(
        learner_id,
        after=page.after_id or "",
        limit=page.fetch,
        mdo_id=principal.mdo_id if manages else None,
    )
    if manages and not documents and page.after is None:
        principal.must_manage(None)
    courses = await parts.store.courses.get(
        {document["course_id"] for document in documents}, max_age_seconds=COURSE_AGE_SECONDS
    )
    preferred = preferred_languages(accept_language)
    beside = await _beside(parts, documents, courses)
    items = [
        summary(document, courses.get(document["course_id"]), preferred, beside)
        for document in documents
    ]
    return ProgressPage(**page.page(items, lambda item: (item.course_id,)))


@router.get("/v1/learners/{learner_id}/courses/{course_id}/progress")
async def show_progress(
    principal: Reader,
    course_of: Annotated[Asked, Depends(asked)],
    parts: PartsOf,
    token: Annotated[str | None, Query(description="Of the report that must be in it")] = None,
    wait: Annotated[
        float, Query(ge=0, le=MOST_WAIT_SECONDS, description="Most seconds to wait for it")
    ] = 5.0,
) -> CourseView:
    """Show one course. With a token: once that report is merged and decided, or the wait is over.

    After the wait the answer is what is known, with `up_to_date` false. 404: nothing is.
    """
    up_to_date = token is None or await parts.watch.passed(Token.parse(token), wait)
    document, course, beside = await _read(parts, principal, course_of.key)
    if document is None:
        detail = "Nothing is known of this learner in this course"
        late = "" if up_to_date else "; the report of the token is not merged yet, ask again"
        raise Problem(404, "No progress", detail + late, type="no-progress")
    shown = view(document, course, course_of.preferred, beside)
    return replace(shown, up_to_date=up_to_date)


@router.get("/v1/learners/{learner_id}/courses/{course_id}/explain")
async def explain_progress(
    principal: Reader, course_of: Annotated[Asked, Depends(asked)], parts: PartsOf
) -> Explanation:
    """Say why the course is, or is not, complete: each missing unit by its title.

    Titles and sentences are in the best of the reader's languages, codes the same in all.
    Of a programme each missing course, whoever enrolled the learner in it.
    """
    document, course, beside = await _read(parts, principal, course_of.key)
    return explain(document or course_of.nothing, course, course_of.preferred, beside)


@router.get("/v1/courses/{course_id}/counts")
async def course_counts(_who: Counter, course_id: CourseId, parts: PartsOf) -> CourseCounts:
    """Count a course's learners: enrolled (withdrawn ones included), of those started, completed.

    Counted some seconds after they change; `settled` false: something has changed since. 404:
    nobody was ever enrolled.
    """
    counts = await parts.store.counts.of_course(course_id)
    if counts is None:
        detail = f"Nobody was ever enrolled in course {course_id}, as far as is known here"
        raise Problem(404, "No counts", detail, type="no-counts")
    return counts


@router.get("/trace/{learner_id}/{course_id}", tags=["operations"])
async def trace(
    principal: Observer, course_of: Annotated[Asked, Depends(asked)], parts: PartsOf
) -> Trace:
    """Tell all that progress knows of a learner's course, for `pravah explain`."""
    document, course, beside = await _read(parts, principal, course_of.key)
    preferred = course_of.preferred
    return Trace(
        learner_id=course_of.key.learner_id,
        course_id=course_of.key.course_id,
        known=document is not None,
        progress=None if document is None else view(document, course, preferred, beside),
        explanation=explain(document or course_of.nothing, course, preferred, beside),
    )


async def _read(
    parts: Parts, principal: Principal, key: DocumentKey
) -> tuple[Document | None, Course | None, Beside]:
    """Return the document, the course and what a programme needs, if the principal may see them.

    Raises:
        Problem: 403 for an mdo_admin of none of the MDOs that enrolled the learner here.
    """
    documents = await parts.store.documents.read([key])
    document = documents[0] if documents else None
    mdos: Any = {} if document is None else document.get("mdos", {})
    principal.must_manage(
        principal.mdo_id if principal.mdo_id in mdos else None, learner_id=key.learner_id
    )
    courses = await parts.store.courses.get({key.course_id}, max_age_seconds=COURSE_AGE_SECONDS)
    beside = await _beside(parts, documents, courses)
    return document, courses.get(key.course_id), beside


async def _beside(
    parts: Parts, documents: Sequence[Document], courses: Mapping[str, Course]
) -> Beside:
    """Return the courses, and the one learner's documents of them, of programmes among these."""
    keys = [
        DocumentKey(document["learner_id"], part.course_id)
        for document in documents
        if (course := courses.get(document["course_id"])) is not None
        for part in course.courses
    ]
    if not keys:
        return ALONE
    held = await parts.store.documents.read(set(keys))
    known = await parts.store.courses.get(
        {key.course_id for key in keys}, max_age_seconds=COURSE_AGE_SECONDS
    )
    return Beside({document["course_id"]: document for document in held}, known)
