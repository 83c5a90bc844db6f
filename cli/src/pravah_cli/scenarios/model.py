"""A scenario: courses, learners, dated steps, and the completions that they must lead to.

A scenario knows its own outcome by a rule of its own, so that the services are judged by
something other than themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

Body = Mapping[str, Any]
"""A JSON object as the public HTTP API takes it."""

LearnerCourse = tuple[str, str]
"""(learner_id, course_id)"""


@dataclass(frozen=True, slots=True)
class Enroll:
    """The learner takes up the course."""

    at: datetime
    learner_id: str
    course_id: str


@dataclass(frozen=True, slots=True)
class Report:
    """The learner's app reports updates and attempts.

    `after_withdrawal`: the learner left before; what is reported now must not complete the
    course, so it waits until progress knows that they left.
    """

    at: datetime
    learner_id: str
    course_id: str
    updates: Sequence[Body] = ()
    attempts: Sequence[Body] = ()
    after_withdrawal: bool = False


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The learner leaves.

    `after_completion`: too late, the course is completed; the answer must be 409, so it waits
    until enrollment knows of the completion.
    """

    at: datetime
    learner_id: str
    course_id: str
    after_completion: bool = False


Step = Enroll | Report | Withdraw


@dataclass(frozen=True, slots=True)
class Scenario:
    """What to play and what must come of it."""

    name: str
    courses: Mapping[str, Body]
    """Body of `PUT /v1/courses/{course_id}` by course id."""
    learners: Mapping[str, Body]
    """Body of `PUT /v1/learners/{learner_id}` by learner id."""
    steps: Sequence[Step]
    completions: frozenset[LearnerCourse]
    """Who must complete what, by the scenario's own reckoning."""
    published: Mapping[str, int] = field(default_factory=dict)
    """Figures that the source of the data states about itself, computed elsewhere."""

    def count(self, kind: type[Step]) -> int:
        """Return how many steps of a kind there are."""
        return sum(isinstance(step, kind) for step in self.steps)

    def refused_withdrawals(self) -> int:
        """Return how many withdrawals come too late and must be answered 409."""
        return sum(isinstance(step, Withdraw) and step.after_completion for step in self.steps)


def waves(steps: Sequence[Step]) -> Iterator[tuple[type[Step], list[Step]]]:
    """Group steps into runs of one kind at one time, in time order.

    Inside a wave no step depends on another. At one instant enrolling comes first and leaving
    last.
    """
    order = {Enroll: 0, Report: 1, Withdraw: 2}
    ordered = sorted(steps, key=lambda step: (step.at, order[type(step)]))
    for _, group in groupby(ordered, key=lambda step: (step.at, type(step))):
        wave = list(group)
        yield type(wave[0]), wave
