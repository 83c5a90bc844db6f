"""Which facts count for an enrollment, and what they say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pravah_progress.model import NO_RUN, UNMARKED, Document, Milliseconds, as_milliseconds
from pravah_shared.events import Course, Run, Unit
from pravah_shared.events.types import MAX_SECONDS


@dataclass(frozen=True, slots=True)
class Submission:
    """A hand-in of one attempt. `percent` None: not marked."""

    attempt_id: str
    at: Milliseconds
    percent: float | None


@dataclass(frozen=True, slots=True)
class Window:
    """When a fact must have happened, and by when it must have come in; all ends are in."""

    starts_at: Milliseconds
    ends_at: Milliseconds
    closes_at: Milliseconds

    @classmethod
    def of(cls, run: Run) -> Self:
        """Return the window of a run. It closes after the grace for devices that are offline."""
        ends_at = as_milliseconds(run.ends_at)
        return cls(as_milliseconds(run.starts_at), ends_at, ends_at + run.grace_seconds * 1000)


@dataclass(frozen=True, slots=True)
class Part:
    """Facts reported under one run key, and the window they must lie in; None: all count."""

    facts: Mapping[str, Any]
    window: Window | None = None

    def holds(self, at: Milliseconds, received: Milliseconds) -> bool:
        """Tell whether what happened and came in at these moments counts."""
        window = self.window
        return window is None or (
            window.starts_at <= at <= window.ends_at and received <= window.closes_at
        )

    def earliest(self, days: Mapping[str, Mapping[str, Milliseconds]]) -> Milliseconds | None:
        """Return the earliest known moment that counts.

        Of a day its first and last moment and its earliest receipt are known. Where the first
        lies before the opening, the last stands for all between; where something of the day came
        in in time, all of it did.
        """
        ends = (
            at
            for day in days.values()
            for at in (day["first"], day["last"])
            if self.holds(at, day["received"])
        )
        return min(ends, default=None)


@dataclass(frozen=True, slots=True)
class Scope:
    """All facts that count for one enrollment."""

    parts: tuple[Part, ...]

    def first_at(self) -> Milliseconds | None:
        """Return when the learner was first active."""
        return _min(part.earliest(part.facts.get("active", {})) for part in self.parts)

    def seconds(self) -> int:
        """Return the seconds spent, over all units and devices, within the contract's bound."""
        spent: dict[tuple[str, str], int] = {}
        for part in self.parts:
            for unit_id, content in part.facts.get("content", {}).items():
                for device, seconds in content.get("spent", {}).items():
                    key = (unit_id, device)
                    # The device counts on whether or not it names the run: not a sum.
                    spent[key] = max(seconds, spent.get(key, 0))
        return min(sum(spent.values()), MAX_SECONDS)

    def seconds_of(self, unit_id: str) -> int:
        """Return the seconds spent on one unit, over all devices."""
        spent: dict[str, int] = {}
        for content in self._contents(unit_id):
            for device, seconds in content.get("spent", {}).items():
                spent[device] = max(seconds, spent.get(device, 0))
        return sum(spent.values())

    def opened(self, unit_id: str) -> bool:
        """Tell whether a content unit was ever reported, in the window or not."""
        return any(True for _ in self._contents(unit_id))

    def done_at(self, unit_id: str) -> Milliseconds | None:
        """Return when the learner first finished a content unit."""
        return _min(
            part.earliest(content.get("done", {})) for part, content in self._content_parts(unit_id)
        )

    def submissions(self, unit_id: str) -> list[Submission]:
        """Return the submissions of an assessment unit, oldest first."""
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

    def passed_at(self, unit: Unit) -> Milliseconds | None:
        """Return when the unit was passed; it is never unpassed. None: not passed.

        A content unit by the first report that it is done; an assessment by the earliest
        submission at or above its mark, without a mark by the earliest submission at all.
        """
        if unit.kind == "content":
            return self.done_at(unit.unit_id)
        return _min(
            submission.at
            for submission in self.submissions(unit.unit_id)
            if passes(unit, submission)
        )

    def best_percent(self, unit_id: str) -> float | None:
        """Return the highest score over attempts; an attempt scores its latest marked submission.

        None: nothing is marked.
        """
        scores: dict[str, float] = {}
        for submission in self.submissions(unit_id):
            if submission.percent is not None:
                scores[submission.attempt_id] = submission.percent
        return max(scores.values(), default=None)

    def _contents(self, unit_id: str) -> Iterator[Mapping[str, Any]]:
        return (content for _, content in self._content_parts(unit_id))

    def _content_parts(self, unit_id: str) -> Iterator[tuple[Part, Mapping[str, Any]]]:
        for part in self.parts:
            if content := part.facts.get("content", {}).get(unit_id):
                yield part, content


def scope_of(document: Document, course: Course | None, run: str) -> Scope:
    """Return the facts that count for an enrollment in `run` (NO_RUN: without a run).

    Facts with a run count for that run alone; facts without one count for enrollments without
    a run and for every run. For a run they must lie in its window. A run that the course does
    not name, or of a course not known yet, has no window: all that was reported for it counts,
    and nothing else.
    """
    facts = document.get("facts", {})
    own = facts.get(run, {})
    if run == NO_RUN or course is None:
        return Scope((Part(own),))
    dated = next((dated for dated in course.runs if dated.run_id == run), None)
    if dated is None:
        return Scope((Part(own),))
    window = Window.of(dated)
    return Scope((Part(own, window), Part(facts.get(NO_RUN, {}), window)))


def passes(unit: Unit, submission: Submission) -> bool:
    """Tell whether a submission passes its unit."""
    if unit.pass_percent is None:
        return True
    return submission.percent is not None and submission.percent >= unit.pass_percent


def moments_of(name: str) -> tuple[Milliseconds, Milliseconds]:
    """Return when a submission was made and when it came in, from its key."""
    at, _, received = name.partition("_")
    return int(at), int(received)


def _mark(percent: float) -> float | None:
    return None if percent <= UNMARKED else percent


def _min(moments: Iterator[Milliseconds | None]) -> Milliseconds | None:
    return min((moment for moment in moments if moment is not None), default=None)
