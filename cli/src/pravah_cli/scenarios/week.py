"""A learning week in small: generated courses and learners, shaped by the platform's own figures.

More than 70 % of enrollments complete, most learners are from the states, names stand in several
scripts, phones send again what they sent before and hand in late what they did offline.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

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

DAYS = 7
PASS_PERCENT = 50
_COMPLETE_SHARE = 0.74
_LEAVE_SHARE = 0.08
_RESEND_SHARE = 0.2
_FAIL_FIRST_SHARE = 0.25
_STATES = ("IN-BR", "IN-UP", "IN-TN", "IN-WB", "IN-GJ", "IN-KL", "IN-ML", "IN-DL")
_TITLES = (
    ("cyber-hygiene", "Cyber hygiene for every desk", "हर मेज़ के लिए साइबर स्वच्छता"),
    ("ai-basics", "Artificial intelligence: first steps", "कृत्रिम बुद्धिमत्ता: पहले कदम"),
    ("ethics-in-service", "Ethics in public service", "लोक सेवा में नैतिकता"),
    ("posh", "A workplace free of harassment", "उत्पीड़न-मुक्त कार्यस्थल"),
)
_UNITS = (
    ("welcome", "Welcome", "स्वागत", "content"),
    ("video", "Watch and think", "देखें और सोचें", "content"),
    ("reading", "Read the rules", "नियम पढ़ें", "content"),
    ("quiz", "Test yourself", "स्वयं को परखें", "assessment"),
    ("more", "Further reading", "आगे पढ़ें", "content"),
)
_REQUIRED_CONTENT = ("welcome", "video", "reading")


@dataclass(frozen=True, slots=True)
class Story:
    """What becomes of one enrollment."""

    key: LearnerCourse
    starts: datetime
    completes: bool
    leaves: bool
    fails_first: bool
    resends: bool


def generate(*, learners: int, ends: datetime, seed: int = 1) -> Scenario:
    """Make a week that ends at `ends` for this many learners. The same seed, the same week."""
    chance = random.Random(seed)  # noqa: S311 - sample data, not secrets
    starts = ends - timedelta(days=DAYS)
    ids = [f"learner-{number:05d}" for number in range(1, learners + 1)]
    stories = [_story(chance, key, starts) for key in _enrollments(chance, ids)]
    return Scenario(
        name="week",
        courses={course_id: _course(english, hindi) for course_id, english, hindi in _TITLES},
        learners={learner_id: _learner(chance, learner_id) for learner_id in ids},
        steps=[step for story in stories for step in _steps(story)],
        completions=frozenset(story.key for story in stories if story.completes),
    )


def _enrollments(chance: random.Random, ids: list[str]) -> Iterator[LearnerCourse]:
    courses = [course_id for course_id, _, _ in _TITLES]
    for learner_id in ids:
        for course_id in chance.sample(courses, chance.choice((1, 1, 2))):
            yield learner_id, course_id


def _story(chance: random.Random, key: LearnerCourse, starts: datetime) -> Story:
    completes = chance.random() < _COMPLETE_SHARE
    return Story(
        key=key,
        # At least three days are left, so that everybody's steps fit into the week.
        starts=starts + timedelta(minutes=chance.randrange((DAYS - 3) * 24 * 60)),
        completes=completes,
        leaves=not completes and chance.random() < _LEAVE_SHARE / (1 - _COMPLETE_SHARE),
        fails_first=chance.random() < _FAIL_FIRST_SHARE,
        resends=chance.random() < _RESEND_SHARE,
    )


def _steps(story: Story) -> Iterator[Step]:
    learner_id, course_id = story.key
    yield Enroll(story.starts, learner_id, course_id)
    clock = story.starts
    for unit_id in _REQUIRED_CONTENT:
        clock += timedelta(hours=3)
        report = Report(clock, learner_id, course_id, updates=[_done(unit_id, clock)])
        yield report
        if story.resends:
            yield Report(clock + timedelta(hours=1), learner_id, course_id, updates=report.updates)
    if story.fails_first or not story.completes:
        clock += timedelta(hours=6)
        yield Report(clock, learner_id, course_id, attempts=[_attempt("1", 30, clock)])
    if story.completes:
        clock += timedelta(hours=6)
        yield Report(clock, learner_id, course_id, attempts=[_attempt("2", 80, clock)])
    if story.leaves:
        yield Withdraw(clock + timedelta(hours=2), learner_id, course_id)


def _done(unit_id: str, at: datetime) -> Body:
    return {"unit_id": unit_id, "status": 2, "spent_seconds": 600, "at": at.isoformat()}


def _attempt(attempt_id: str, score: int, at: datetime) -> Body:
    return {
        "unit_id": "quiz",
        "attempt_id": attempt_id,
        "score": score,
        "max_score": 100,
        "at": at.isoformat(),
    }


def _course(english: str, hindi: str) -> Body:
    return {
        "title": {"en": english, "hi": hindi},
        "provider": "Pravah Academy",
        "languages": ["en", "hi"],
        "units": [
            {
                "unit_id": unit_id,
                "title": {"en": title, "hi": title_hi},
                "kind": kind,
                "optional": unit_id == "more",
                **({"pass_percent": PASS_PERCENT} if kind == "assessment" else {}),
            }
            for unit_id, title, title_hi, kind in _UNITS
        ],
        "modules": [
            {
                "module_id": "learn",
                "title": {"en": "Learn", "hi": "सीखें"},
                "unit_ids": [*_REQUIRED_CONTENT, "more"],
            },
            {
                "module_id": "prove",
                "title": {"en": "Prove it", "hi": "सिद्ध करें"},
                "unit_ids": ["quiz"],
            },
        ],
        "certificates": [{"name": "completion"}],
    }


def _learner(chance: random.Random, learner_id: str) -> Body:
    name = name_of(int(learner_id.rsplit("-", 1)[1]))
    return {
        "name": name.written,
        "latin_name": name.latin,
        "email": f"{learner_id}@learners.example",
        "language": name.language if name.language == "hi" else "en",
        "mdo_id": f"mdo-{chance.randrange(1, 6)}",
        "state_code": chance.choice(_STATES),
    }
