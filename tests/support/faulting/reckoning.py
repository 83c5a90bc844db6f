"""What a set of events must lead to, reckoned apart from the rules of progress.

Only for what the harness sends: courses without runs, nobody leaves, every report counts.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from faulting.readings import Term
from pravah_shared.events import Course, Enrolled, Event, Progressed

DONE = 2


@dataclass(slots=True)
class Reckoning:
    """Takes events in any order, any number of times."""

    courses: dict[str, Course] = field(default_factory=dict)
    terms: dict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    passed: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    seen: set[tuple[str, str]] = field(default_factory=set)

    def take(self, event: Event[Any]) -> tuple[str, str] | None:
        """Take an event in; return the learner and course it is about, None for a course."""
        match event.data:
            case Course() as course:
                self.courses[course.course_id] = course
                return None
            case Enrolled() as enrolled:
                key = (enrolled.learner_id, enrolled.course_id)
                self.terms[key].add(enrolled.term)
                return key
            case Progressed() as progressed:
                key = (progressed.learner_id, progressed.course_id)
                self.seen.add(key)
                self._report(key, progressed)
                return key
        return None

    def _report(self, key: tuple[str, str], reported: Progressed) -> None:
        done = {update.unit_id for update in reported.updates if update.status == DONE}
        marks = [(one.unit_id, one.percent) for one in reported.attempts if one.percent is not None]
        self.passed[key] |= done | {unit for unit, percent in marks if percent >= self._mark(unit)}

    @staticmethod
    def _mark(_: str) -> float:
        return 50.0  # of every quiz that the harness makes (load.course_body)

    def completed(self, key: tuple[str, str]) -> set[Term]:
        """Return the terms of a learner in a course that must be announced as completed."""
        course = self.courses.get(key[1])
        if course is None:
            return set()
        required = {unit.unit_id for unit in course.units if not unit.optional}
        if not required <= self.passed[key]:
            return set()
        return {(*key, term) for term in self.terms[key]}

    def started(self, key: tuple[str, str]) -> set[Term]:
        """Return the terms that must be announced as started."""
        if key[1] not in self.courses or key not in self.seen:
            return set()
        return {(*key, term) for term in self.terms[key]}

    def all_completed(self) -> set[Term]:
        """Return every term that must be announced as completed."""
        return {term for key in list(self.terms) for term in self.completed(key)}

    def all_started(self) -> set[Term]:
        """Return every term that must be announced as started."""
        return {term for key in list(self.terms) for term in self.started(key)}
