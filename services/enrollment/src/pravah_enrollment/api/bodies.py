"""What clients send and get. Unknown fields are refused: a slip would be kept silently."""

import zoneinfo
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from pravah_enrollment.model import Enrollment, Learner, Status, Term
from pravah_enrollment.rules.names import email, latin, written
from pravah_shared.events import (
    CertificateRule,
    Course,
    Module,
    Origin,
    ProgrammeCourse,
    Run,
    Unit,
)
from pravah_shared.events.types import (
    CourseId,
    Identifier,
    Language,
    LearnerId,
    Model,
    RunId,
    Seconds,
    StateCode,
    Text,
    Translations,
    UtcTime,
)
from pravah_shared.keys import PersonalData


def _known_zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
        raise ValueError("is no IANA time zone; send one like Asia/Kolkata") from error
    return name


_Short = StringConstraints(min_length=1, max_length=200)
Name = Annotated[str, _Short, AfterValidator(written)]
LatinName = Annotated[str, _Short, AfterValidator(latin)]
Email = Annotated[str, StringConstraints(min_length=3, max_length=254), AfterValidator(email)]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{6,15}$")]
TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]


class Strict(Model):
    """A body whose every field is known."""

    model_config = ConfigDict(extra="forbid")


class UnitBody(Unit, Strict):
    """A unit."""


class ModuleBody(Module, Strict):
    """A module."""


class RunBody(Run, Strict):
    """A run."""


class ProgrammeCourseBody(ProgrammeCourse, Strict):
    """A course of a programme."""


class CertificateRuleBody(CertificateRule, Strict):
    """A certificate."""


class CourseBody(Strict):
    """A course as its publisher means it. The service gives the version."""

    kind: Literal["course", "programme"] = "course"
    title: Translations
    provider: Text
    languages: tuple[Language, ...] = ("en",)
    units: tuple[UnitBody, ...] = ()
    modules: tuple[ModuleBody, ...] = ()
    runs: tuple[RunBody, ...] | None = Field(
        default=None, description="Absent: the runs stay as they are"
    )
    courses: tuple[ProgrammeCourseBody, ...] = ()
    ordered: bool = False
    certificates: tuple[CertificateRuleBody, ...] = ()
    competencies: tuple[Text, ...] = ()
    status: Literal["live", "retired"] = "live"

    def course(self, course_id: str, stored: Course | None) -> Course:
        """Return the course this means, as version 1.

        Raises:
            ValidationError: its parts do not fit together.
        """
        content = self.model_dump()
        if content["runs"] is None:
            content["runs"] = [run.model_dump() for run in stored.runs] if stored else ()
        return Course.model_validate({**content, "course_id": course_id, "version": 1})


class RunDates(Strict):
    """When a run is."""

    starts_at: UtcTime
    ends_at: UtcTime
    grace_seconds: Seconds = 0


class LearnerBody(Strict):
    """A learner. Names, addresses and designation are kept and sent on encrypted."""

    name: Name = Field(description="As the learner writes it, in any script")
    latin_name: LatinName | None = None
    email: Email | None = None
    phone: Phone | None = None
    language: Language = "en"
    time_zone: TimeZone = "Asia/Kolkata"
    designation: Name | None = None
    mdo_id: Identifier | None = Field(default=None, description="Their organisation")
    state_code: StateCode | None = None

    @property
    def person(self) -> PersonalData:
        """What is encrypted."""
        return PersonalData(**self.model_dump(exclude={"mdo_id", "state_code"}))


class LearnerView(PersonalData):
    """A learner as those may see them who are allowed to."""

    learner_id: LearnerId
    version: int
    mdo_id: Identifier | None
    state_code: StateCode | None

    @classmethod
    def of(cls, learner: Learner, person: PersonalData) -> Self:
        """Return the view of a learner whose seal was opened."""
        return cls(
            **person.model_dump(),
            learner_id=learner.learner_id,
            version=learner.version,
            mdo_id=learner.mdo_id,
            state_code=learner.state_code,
        )


class EnrollBody(Strict):
    """Who takes up what."""

    learner_id: LearnerId
    course_id: CourseId
    run_id: RunId | None = None
    enrolled_at: UtcTime | None = Field(
        default=None, description="Operators and systems only; for others the server's time counts"
    )


class TermView(Model):
    """One term of an enrollment."""

    enrollment_id: Identifier
    term: int
    status: Status
    course_version: int
    origin: Origin
    enrolled_at: UtcTime
    withdrawn_at: UtcTime | None
    completed_at: UtcTime | None

    @classmethod
    def of(cls, term: Term) -> Self:
        """Return the view of a term."""
        return cls(**_term_fields(term))


class EnrollmentView(TermView):
    """An enrollment: the term it is about, and those before."""

    learner_id: LearnerId
    course_id: CourseId
    run_id: RunId | None
    earlier_terms: tuple[TermView, ...] = ()

    @classmethod
    def about(cls, enrollment: Enrollment, term: Term) -> Self:
        """Return the view of one term of an enrollment."""
        earlier = [other for other in enrollment.terms if other.term < term.term]
        return cls(
            **_term_fields(term),
            learner_id=enrollment.key.learner_id,
            course_id=enrollment.key.course_id,
            run_id=enrollment.key.run_id,
            earlier_terms=tuple(TermView.of(other) for other in earlier),
        )


class CoursePage(Model):
    """A page of courses, by id."""

    items: tuple[Course, ...]
    next_cursor: str | None


class EnrollmentPage(Model):
    """A page of a learner's enrollments, each with its newest term."""

    items: tuple[EnrollmentView, ...]
    next_cursor: str | None


class Trace(Model):
    """What enrollment knows of a learner's course, for `pravah explain`. No personal data."""

    service: str = "enrollment"
    learner_id: LearnerId
    course_id: CourseId
    learner: Literal["unknown", "known", "erased"]
    course_version: int | None = Field(description="null: this service knows no such course")
    course_status: Literal["live", "retired"] | None
    enrollments: tuple[EnrollmentView, ...]
    unpublished_since: UtcTime | None = Field(
        description="Since when an event of these waits for Kafka; null: none does"
    )


def _term_fields(term: Term) -> dict[str, object]:
    return {
        "enrollment_id": term.enrollment_id,
        "term": term.term,
        "status": term.status,
        "course_version": term.course_version,
        "origin": term.origin,
        "enrolled_at": term.enrolled_at,
        "withdrawn_at": term.withdrawn_at,
        "completed_at": term.completed_at,
    }
