"""Which facts count for an enrollment, and what they say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pravah_progress.model import NO_RUN, UNMARKED, Document, Milliseconds
from pravah_progress.rules.windows import Days, Part, Window, moments_of
from pravah_shared.events import Course, Unit
from pravah_shared.events.types import MAX_SECONDS

TIMES_ITS_LENGTH = 3
"""Most learning seconds of a unit, in its own length: to see it, again, and with pauses."""
LEAST_CAP_SECONDS = 10 * 60
"""No cap is lower: a page of a minute may well be thought about."""
UNKNOWN_LENGTH_CAP_SECONDS = 4 * 60 * 60
"""Most learning seconds of a unit whose length the course does not say: half a working day."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A hand-in of one attempt. `percent` None: not marked."""

    attempt_id: str
    at: Milliseconds
    percent: float | None


class Best(NamedTuple):
    """A unit's best score, and when it was first reached."""

    percent: float
    at: Milliseconds


@dataclass(frozen=True, slots=True)
class Scope:
    """All facts that count for one enrollment."""

    parts: tuple[Part, ...]

    def first_at(self) -> Milliseconds | None:
        """Return when the learner was first active."""
        return _min(part.earliest(days) for part in self.parts for days in activity_of(part.facts))

    def seconds(self, course: Course | None) -> int:
        """Return the learning seconds over all units, within the contract's bound."""
        lengths = {} if course is None else {unit.unit_id: unit.seconds for unit in course.units}
        units = {id_ for part in self.parts for id_ in part.facts.get("content", {})}
        return min(sum(self.seconds_of(id_, lengths.get(id_)) for id_ in units), MAX_SECONDS)

    def seconds_of(self, unit_id: str, length_seconds: int | None) -> int:
        """Return the learning seconds of one unit over all devices, within its cap.

        A client that is left open reports on and on; hours of learning are none of its idling.
        """
        spent: dict[str, int] = {}
        for _, content in self._content_parts(unit_id):
            for device, seconds in content.get("spent", {}).items():
                # The device counts on whether or not it names the run: not a sum.
                spent[device] = max(seconds, spent.get(device, 0))
        return min(sum(spent.values()), _cap(length_seconds))

    def opened(self, unit_id: str) -> bool:
        """Tell whether a content unit was ever reported, in the window or not."""
        return bool(self._content_parts(unit_id))

    def done_at(self, unit_id: str) -> Milliseconds | None:
        """Return when the learner first finished a content unit."""
        first: Milliseconds | None = None
        for part, content in self._content_parts(unit_id):
            at = part.earliest(content.get("done", {}))
            if at is not None and (first is None or at < first):
                first = at
        return first

    def languages_of(self, unit_id: str) -> set[str]:
        """Return the languages in which a content unit was done, in the window or not."""
        return {
            language
            for _, content in self._content_parts(unit_id)
            for language, said in content.get("languages", {}).items()
            if "done_at" in said
        }

    def attempts(self, unit_id: str) -> int:
        """Return how many attempts at an assessment unit were made, counting or not."""
        return len({submission.attempt_id for submission in self._submissions(unit_id)})

    def submissions(self, unit: Unit) -> list[Submission]:
        """Return the submissions of an assessment unit that count, oldest first.

        With `max_attempts`: of the attempts that began first, by time and then by their id.
        """
        return _of_first_attempts(self._submissions(unit.unit_id), unit.max_attempts)

    def passed_at(self, unit: Unit) -> Milliseconds | None:
        """Return when the unit was passed. None: not passed.

        A content unit by the first report that it is done; an assessment by the earliest
        submission at or above its mark, without a mark by the earliest submission at all.
        """
        if unit.kind == "content":
            return self.done_at(unit.unit_id)
        return _min(
            submission.at for submission in self.submissions(unit) if passes(unit, submission)
        )

    def best(self, unit: Unit) -> Best | None:
        """Return the highest score over attempts; an attempt scores its latest marked submission.

        None: nothing is marked.
        """
        scores: dict[str, Best] = {}
        for submission in self.submissions(unit):
            if submission.percent is not None:
                scores[submission.attempt_id] = Best(submission.percent, submission.at)
        return max(scores.values(), key=lambda best: (best.percent, -best.at), default=None)

    def _submissions(self, unit_id: str) -> list[Submission]:
        """Return all submissions of a unit within the window, oldest first."""
        found: dict[tuple[Milliseconds, str], float] = {}
        for part in self.parts:
            attempts = part.facts.get("submissions", {}).get(unit_id, {})
            for attempt_id, by_time in attempts.items():
                for name, percent in by_time.items():
                    at, received = moments_of(name)
                    if part.holds(at, received):
                        key = (at, attempt_id)
                        found[key] = max(percent, found.get(key, UNMARKED))
        return [
            Submission(attempt_id, at, _mark(percent))
            for (at, attempt_id), percent in sorted(found.items())
        ]

    def _content_parts(self, unit_id: str) -> list[tuple[Part, Mapping[str, Any]]]:
        return [
            (part, content)
            for part in self.parts
            if (content := part.facts.get("content", {}).get(unit_id))
        ]


def activity_of(facts: Mapping[str, Any]) -> Iterator[Days]:
    """Yield the days of all that was reported under one run key."""
    yield facts.get("active", {})
    for content in facts.get("content", {}).values():
        yield content.get("done", {})


def scope_of(document: Document, course: Course | None, run: str) -> Scope:
    """Return the facts that count for an enrollment in `run` (NO_RUN: without a run).

    Facts with a run count for that run alone; facts without one count for enrollments without
    a run and for every run. For a run they must lie in its window. A run that the course does
    not name, or of a course not known yet, has no window: all that was reported for it counts,
    and nothing else. Of a retired course only what came in before counts.
    """
    facts = document.get("facts", {})
    own = facts.get(run, {})
    if course is None:
        return Scope((Part(own),))
    dated = next((dated for dated in course.runs if dated.run_id == run), None)
    if dated is None:
        return Scope((Part(own, Window.until(course.retired_at)),))
    window = Window.of(dated, course.retired_at)
    return Scope((Part(own, window), Part(facts.get(NO_RUN, {}), window)))


def passes(unit: Unit, submission: Submission) -> bool:
    """Tell whether a submission passes its unit."""
    if unit.pass_percent is None:
        return True
    return submission.percent is not None and submission.percent >= unit.pass_percent


def _of_first_attempts(submissions: Sequence[Submission], most: int | None) -> list[Submission]:
    begun: set[str] = set()
    counting = []
    for submission in submissions:
        if submission.attempt_id not in begun:
            if most is not None and len(begun) == most:
                continue
            begun.add(submission.attempt_id)
        counting.append(submission)
    return counting


def _cap(length_seconds: int | None) -> int:
    if not length_seconds:
        return UNKNOWN_LENGTH_CAP_SECONDS
    return max(TIMES_ITS_LENGTH * length_seconds, LEAST_CAP_SECONDS)


def _mark(percent: float) -> float | None:
    return None if percent <= UNMARKED else percent


def _min(moments: Iterator[Milliseconds | None]) -> Milliseconds | None:
    return min((moment for moment in moments if moment is not None), default=None)
