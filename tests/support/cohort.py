"""Learners on their way through one course, and what must come of it: exactly that, once."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from standing_platform import Platform
from watching import Watch

from pravah_cli.client import Client
from pravah_cli.testing import eventually
from pravah_shared.events import Certified, Completed

BEGAN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""When everybody enrolls: a fixed business time, long past."""
Json = dict[str, Any]


def fresh(name: str) -> str:
    """Return an id that no other test uses."""
    return f"{name}-{uuid4().hex[:10]}"


def course_body() -> Json:
    """Return a course of a text and a quiz that asks for half."""
    return {
        "title": {"en": "Ethics in public service", "hi": "लोक सेवा में नैतिकता"},
        "provider": "Pravah Academy",
        "languages": ["en", "hi"],
        "units": [
            {"unit_id": "text", "title": {"en": "Read the rules"}, "kind": "content"},
            {
                "unit_id": "quiz",
                "title": {"en": "Test yourself"},
                "kind": "assessment",
                "pass_percent": 50,
            },
        ],
        "certificates": [{"name": "completion"}],
    }


def address_of(learner_id: str) -> str:
    """Return the learner's e-mail address."""
    return f"{learner_id}@learners.example"


def learner_body(learner_id: str) -> Json:
    """Return a learner."""
    return {
        "name": "आशा शर्मा",
        "latin_name": "Asha Sharma",
        "email": address_of(learner_id),
        "language": "hi",
    }


def text_read(learner_id: str, course_id: str, at: datetime = BEGAN) -> Json:
    """Return the report of one who read the text, and no more."""
    done = {"unit_id": "text", "status": 2, "spent_seconds": 600}
    at_text = (at + timedelta(hours=1)).isoformat()
    return {"learner_id": learner_id, "course_id": course_id, "updates": [{**done, "at": at_text}]}


def quiz_passed(learner_id: str, course_id: str, at: datetime = BEGAN) -> Json:
    """Return the report of one who passed the quiz, and no more."""
    attempt = {"unit_id": "quiz", "attempt_id": "1", "score": 8, "max_score": 10}
    at_quiz = (at + timedelta(hours=2)).isoformat()
    report = {"learner_id": learner_id, "course_id": course_id}
    return {**report, "attempts": [{**attempt, "at": at_quiz}]}


class Cohort:
    """Some learners and a course of their own."""

    def __init__(self, platform: Platform, client: Client, watch: Watch, size: int = 1) -> None:
        self.course_id = fresh("course")
        self.learners = [fresh("learner") for _ in range(size)]
        self.enrollments: dict[str, str] = {}
        self._platform = platform
        self._client = client
        self._watch = watch

    async def appear(self) -> None:
        """Create the course and the learners."""
        await self._client.put_course(self.course_id, course_body())
        for learner_id in self.learners:
            await self._client.put_learner(learner_id, learner_body(learner_id))

    async def enroll(self, learners: Sequence[str] | None = None) -> None:
        """Enroll learners, all if none is named."""
        for learner_id in self.learners if learners is None else learners:
            enrolled = await self._client.enroll(learner_id, self.course_id, BEGAN)
            self.enrollments[learner_id] = enrolled

    async def read(self, learners: Sequence[str] | None = None) -> None:
        """Have learners report that they read the text."""
        chosen = self.learners if learners is None else learners
        await self._report([text_read(learner_id, self.course_id) for learner_id in chosen])

    async def pass_quiz(self, learners: Sequence[str] | None = None) -> None:
        """Have learners report that they passed the quiz."""
        chosen = self.learners if learners is None else learners
        await self._report([quiz_passed(learner_id, self.course_id) for learner_id in chosen])

    async def finish(self, learners: Sequence[str] | None = None) -> None:
        """Have learners report everything that the course asks for."""
        await self.read(learners)
        await self.pass_quiz(learners)

    async def _report(self, reports: Sequence[Json]) -> None:
        answer = await self._client.report(reports)
        assert not answer["refused"], answer["refused"]

    def completed(self) -> set[str]:
        """Return who was announced as having completed the course."""
        return {
            event.data.learner_id
            for event in self._watch.events(Completed, self.learners)
            if event.data.course_id == self.course_id
        }

    def certified(self) -> set[str]:
        """Return whose certificate was announced."""
        return {event.data.learner_id for event in self._watch.events(Certified, self.learners)}

    def mails(self) -> dict[str, list[str]]:
        """Return the Message-IDs of the mails that each learner received."""
        received: dict[str, list[str]] = {learner_id: [] for learner_id in self.learners}
        learner_of = {address_of(learner_id): learner_id for learner_id in self.learners}
        for mail in self._platform.mail_box.all():
            for recipient in mail.recipients:
                if recipient in learner_of:
                    received[learner_of[recipient]].append(mail.message_id)
        return received

    async def until_completed(self, learners: Sequence[str] | None = None) -> None:
        """Wait until these learners' completions were announced, everybody's if none is named."""
        wanted = set(self.learners if learners is None else learners)
        await self._watch.until(lambda: self.completed() >= wanted, "the completions")

    async def until_certified(self, learners: Sequence[str] | None = None) -> None:
        """Wait until these learners' certificates were announced."""
        wanted = set(self.learners if learners is None else learners)
        await self._watch.until(lambda: self.certified() >= wanted, "the certificates")

    async def until_mailed(self, count: int, learners: Iterable[str], seconds: float = 60) -> None:
        """Wait until each of these learners has so many mails."""
        wanted = list(learners)

        async def mailed() -> bool:
            received = self.mails()
            return all(len(set(received[learner_id])) >= count for learner_id in wanted)

        await eventually(mailed, seconds, f"{count} mails to each of {len(wanted)} learners")

    async def until_in_inbox(self, count: int) -> None:
        """Wait until each learner's inbox holds so many messages."""

        async def there() -> bool:
            inboxes = [await self._client.inbox(learner_id) for learner_id in self.learners]
            return all(len(inbox) >= count for inbox in inboxes)

        await eventually(there, 60, f"{count} messages in each inbox")

    async def all_came_once(
        self, *, finished: Sequence[str] | None = None, resent: int = 0, seconds: float = 90
    ) -> None:
        """Wait for all that must come of it, then see that nothing came twice.

        `finished`: who must have completed, all if not named. `resent`: mails that may have been
        sent again under their own Message-ID (a dispatcher killed between sending and noting it).
        """
        done = set(self.learners if finished is None else finished)
        await self._watch.until(
            lambda: self.completed() >= done and self.certified() >= done,
            f"{len(done)} completions and certificates",
            seconds,
        )
        for learner_id in self.learners:
            await self.until_mailed(2 if learner_id in done else 1, [learner_id], seconds)
        await self._watch.quiet(seconds)
        self._each_once(done)
        mails = [message_id for received in self.mails().values() for message_id in received]
        assert len(set(mails)) == len(self.learners) + len(done)
        assert len(mails) - len(set(mails)) <= resent
        for learner_id in self.learners:
            inbox = await self._client.inbox(learner_id)
            assert len(inbox) == (2 if learner_id in done else 1), inbox

    def _each_once(self, done: set[str]) -> None:
        """One id per effect; the same event may stand twice on a topic, under its own id."""
        for kind in (Completed, Certified):
            events = self._watch.events(kind, self.learners)
            assert {event.subject for event in events} == done
            assert len({event.id for event in events}) == len(done), kind
        certificates = self._watch.events(Certified, self.learners)
        assert len({event.data.certificate_id for event in certificates}) == len(done)
