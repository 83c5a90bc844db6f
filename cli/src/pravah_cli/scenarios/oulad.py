"""The Open University Learning Analytics Dataset as a scenario (issue 3, § Real input).

Kuzilek J., Hlosta M., Zdrahal Z. (2017), Scientific Data 4:170171, CC BY 4.0. A course is a
module-presentation; TMA and CMA are required units passed from 40 %, exams are optional; an
empty score is handed in, not marked. Days count from the presentation's start, UTC.
"""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pravah_cli.scenarios.model import (
    Body,
    Enroll,
    LearnerCourse,
    Report,
    Scenario,
    Step,
    Withdraw,
)
from pravah_cli.scenarios.names import name_of

PASS_PERCENT = 40
_START_MONTH = {"B": 2, "J": 10}
_FILES = ("assessments", "studentRegistration", "studentAssessment")


@dataclass(frozen=True, slots=True)
class Registration:
    """A learner's registration; days from the presentation's start, None when not recorded."""

    key: LearnerCourse
    registered: int | None
    left: int | None


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission; `percent` None when it was handed in and never marked."""

    key: LearnerCourse
    assessment_id: str
    day: int
    percent: int | None


@dataclass(frozen=True, slots=True)
class Tables:
    """The rows that the replay needs, by course."""

    units: dict[str, list[Body]]
    registrations: list[Registration]
    submissions: dict[LearnerCourse, list[Submission]]


def load(directory: Path) -> Scenario:
    """Read the data set in `directory` into a scenario.

    Raises:
        FileNotFoundError: names the missing file.
    """
    tables = _read(directory)
    required = {
        course_id: {unit["unit_id"] for unit in units if not unit["optional"]}
        for course_id, units in tables.units.items()
    }
    first_day = _first_registration_days(tables.registrations)
    steps: list[Step] = []
    completions: set[LearnerCourse] = set()
    for registration in tables.registrations:
        submissions = tables.submissions.get(registration.key, [])
        completed = _completed_day(registration, submissions, required[registration.key[1]])
        if completed is not None:
            completions.add(registration.key)
        day = _enrolled_day(registration, submissions, first_day[registration.key[1]])
        steps += _steps(registration, submissions, day, completed)
    return Scenario(
        name="oulad",
        courses={course_id: _course(course_id, units) for course_id, units in tables.units.items()},
        learners={key[0]: _learner(key[0]) for key in (row.key for row in tables.registrations)},
        steps=steps,
        completions=frozenset(completions),
        published=_published(directory),
    )


def _rows(directory: Path, table: str) -> Iterator[dict[str, str]]:
    path = directory / f"{table}.csv.gz"
    if not path.exists():
        msg = f"{path} is missing; the data set needs {', '.join(f'{f}.csv.gz' for f in _FILES)}"
        raise FileNotFoundError(msg)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _read(directory: Path) -> Tables:
    units: dict[str, list[Body]] = defaultdict(list)
    course_of: dict[str, str] = {}
    for row in _rows(directory, "assessments"):
        course_id = _course_id(row)
        course_of[row["id_assessment"]] = course_id
        units[course_id].append(_unit(row))
    registrations = [
        Registration(
            (row["id_student"], _course_id(row)),
            _day(row["date_registration"]),
            _day(row["date_unregistration"]),
        )
        for row in _rows(directory, "studentRegistration")
    ]
    submissions: dict[LearnerCourse, list[Submission]] = defaultdict(list)
    for row in _rows(directory, "studentAssessment"):
        key = (row["id_student"], course_of[row["id_assessment"]])
        submissions[key].append(
            Submission(key, row["id_assessment"], int(row["date_submitted"]), _day(row["score"]))
        )
    return Tables(units, registrations, submissions)


def _course_id(row: dict[str, str]) -> str:
    return f"{row['code_module']}-{row['code_presentation']}"


def _day(text: str) -> int | None:
    return int(text) if text else None


def _unit(row: dict[str, str]) -> Body:
    return {
        "unit_id": row["id_assessment"],
        "title": {"en": f"{row['assessment_type']} {row['id_assessment']}"},
        "kind": "assessment",
        "optional": row["assessment_type"] == "Exam",
        "pass_percent": PASS_PERCENT,
    }


def _course(course_id: str, units: Sequence[Body]) -> Body:
    return {
        "title": {"en": course_id.replace("-", " ")},
        "provider": "The Open University",
        "languages": ["en"],
        "units": list(units),
        "certificates": [{"name": "completion"}],
    }


def _learner(learner_id: str) -> Body:
    name = name_of(int(learner_id))
    return {
        "name": name.written,
        "latin_name": name.latin,
        "email": f"{learner_id}@learners.example",
        "language": "hi" if name.language == "hi" else "en",
    }


def _first_registration_days(registrations: Sequence[Registration]) -> dict[str, int]:
    days: dict[str, int] = {}
    for row in registrations:
        if row.registered is not None:
            course_id = row.key[1]
            days[course_id] = min(row.registered, days.get(course_id, row.registered))
    return days


def _enrolled_day(row: Registration, submissions: Sequence[Submission], first_day: int) -> int:
    """Return the registration's day; without one, the earliest day that the rows allow."""
    if row.registered is not None:
        return row.registered
    own = [submission.day for submission in submissions]
    return min([first_day, *own, *([] if row.left is None else [row.left])])


def _completed_day(
    row: Registration, submissions: Sequence[Submission], required: set[str]
) -> int | None:
    """Return the day on which the last required assessment was passed, if before leaving."""
    passed: dict[str, int] = {}
    for submission in submissions:
        if submission.percent is not None and submission.percent >= PASS_PERCENT:
            day = min(submission.day, passed.get(submission.assessment_id, submission.day))
            passed[submission.assessment_id] = day
    if not required <= passed.keys():
        return None
    last = max(passed[unit_id] for unit_id in required)
    return last if row.left is None or last <= row.left else None


def _steps(
    row: Registration, submissions: Sequence[Submission], enrolled: int, completed: int | None
) -> Iterator[Step]:
    learner_id, course_id = row.key
    start = _day_zero(course_id)
    yield Enroll(start + timedelta(days=enrolled), learner_id, course_id)
    by_day: dict[int, list[Submission]] = defaultdict(list)
    for submission in submissions:
        by_day[submission.day].append(submission)
    for day, handed_in in sorted(by_day.items()):
        at = start + timedelta(days=day, hours=12)
        late = row.left is not None and day > row.left and completed is None
        attempts = [_attempt(submission, at) for submission in handed_in]
        yield Report(at, learner_id, course_id, attempts=attempts, after_withdrawal=late)
    if row.left is not None:
        at = start + timedelta(days=row.left, hours=23, minutes=59)
        yield Withdraw(at, learner_id, course_id, after_completion=completed is not None)


def _day_zero(course_id: str) -> datetime:
    """1 February of the year for presentations ending in B, 1 October for J."""
    presentation = course_id.rsplit("-", 1)[1]
    return datetime(int(presentation[:4]), _START_MONTH[presentation[4]], 1, tzinfo=UTC)


def _attempt(submission: Submission, at: datetime) -> Body:
    attempt = {"unit_id": submission.assessment_id, "attempt_id": "1", "at": at.isoformat()}
    if submission.percent is None:
        return attempt
    return {**attempt, "score": submission.percent, "max_score": 100}


def _published(directory: Path) -> dict[str, int]:
    """Sum the figures that expected.json states per course. Empty without the file."""
    path = directory / "expected.json"
    if not path.exists():
        return {}
    courses = json.loads(path.read_text(encoding="utf-8"))["courses"]
    names = {
        "enrolled": "enrolments",
        "completed": "completions_in_time_order",
        "withdrawals_refused": "withdrawals_after_completion",
    }
    return {name: sum(course[field] for course in courses) for name, field in names.items()}
