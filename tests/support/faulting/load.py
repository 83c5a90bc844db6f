"""Learners who learn while things break, and an exact account of what was answered 2xx.

A cohort takes up the course of quizzes and texts; its reports go in any order, some before the
enrollment; most learners finish. Every call is asked again until it is answered, as clients do.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from cohort import learner_body

from pravah_cli.client import Client, Unanswered
from pravah_shared.events import Attempt, Enrolled, EventData, Progressed, UnitUpdate

TEXTS = ("text-1", "text-2", "text-3")
QUIZ = "quiz"
FINISHERS = 0.8
"""Share of learners who pass everything; the others leave out one unit."""
BEGAN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
Json = dict[str, Any]


def course_body() -> Json:
    """Return a course of three texts and a quiz that asks for half."""
    texts = [
        {"unit_id": text, "title": {"en": f"Read {text}"}, "kind": "content"} for text in TEXTS
    ]
    quiz = {"unit_id": QUIZ, "title": {"en": "Quiz"}, "kind": "assessment", "pass_percent": 50}
    return {
        "title": {"en": "Standing orders"},
        "provider": "Pravah Academy",
        "languages": ["en"],
        "units": [*texts, quiz],
        "certificates": [{"name": "completion"}],
    }


@dataclass(slots=True)
class Load:
    """What is sent. `accepted`: events as they must stand in Kafka for each 2xx."""

    client: Client
    chance: random.Random
    cohort_size: int = 6
    pause_seconds: float = 1.5
    courses: tuple[str, ...] = ("orders-1", "orders-2", "orders-3")
    accepted: list[EventData] = field(default_factory=list)
    learners: int = 0

    async def begin(self) -> None:
        """Create the courses."""
        for course_id in self.courses:
            await self.client.put_course(course_id, course_body())

    async def run(self, stop: asyncio.Event) -> None:
        """Send cohort after cohort until asked to stop; those on their way are finished."""
        async with asyncio.TaskGroup() as cohorts:
            while not stop.is_set():
                cohorts.create_task(self.cohort())
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self.pause_seconds)

    async def cohort(self) -> None:
        """Have some learners take up a course and learn, step by step, in any order."""
        course_id = self.chance.choice(self.courses)
        names = [f"learner-{uuid4().hex[:10]}" for _ in range(self.cohort_size)]
        self.learners += len(names)
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(self.client.put_learner(name, learner_body(name)))
        left_out = {name: self._left_out() for name in names}
        steps = ["enroll", *TEXTS, QUIZ]
        self.chance.shuffle(steps)
        for step in steps:
            if step == "enroll":
                await self._enroll(names, course_id)
            else:
                going = [name for name in names if left_out[name] != step]
                await self._report([self._item(name, course_id, step) for name in going])

    def _left_out(self) -> str:
        return "" if self.chance.random() < FINISHERS else self.chance.choice([*TEXTS, QUIZ])

    async def _enroll(self, names: Sequence[str], course_id: str) -> None:
        for name in names:
            enrollment_id = await self.client.enroll(name, course_id, BEGAN)
            self.accepted.append(
                Enrolled(
                    enrollment_id=enrollment_id,
                    learner_id=name,
                    course_id=course_id,
                    term=1,
                    course_version=1,
                    enrolled_at=BEGAN,
                )
            )

    def _item(self, name: str, course_id: str, unit_id: str) -> Json:
        at = (BEGAN + timedelta(minutes=self.chance.randrange(60_000))).isoformat()
        item: Json = {"learner_id": name, "course_id": course_id}
        if unit_id == QUIZ:
            attempt = {"unit_id": QUIZ, "attempt_id": "1", "score": 8, "max_score": 10, "at": at}
            return {**item, "attempts": [attempt]}
        update = {"unit_id": unit_id, "status": 2, "spent_seconds": 600, "at": at}
        return {**item, "device_id": "phone", "updates": [update]}

    async def _report(self, items: Sequence[Json]) -> None:
        if not items:
            return
        answer = await self.client.report(items)
        if answer["refused"]:
            raise Unanswered(f"good reports were refused: {answer['refused'][:3]}")
        self.accepted += [as_event(item) for item in items]


def as_event(item: Mapping[str, Any]) -> Progressed:
    """Return what stands in Kafka when this report is accepted, but for what the service adds."""
    return Progressed(
        report_id="any",
        learner_id=item["learner_id"],
        course_id=item["course_id"],
        device_id=item.get("device_id"),
        updates=tuple(UnitUpdate.model_validate(one) for one in item.get("updates", ())),
        attempts=tuple(Attempt.model_validate(one) for one in item.get("attempts", ())),
        received_at=BEGAN,
    )
