"""How a learner stands in the courses of a programme, for reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pravah_progress.model import Milliseconds, from_milliseconds
from pravah_progress.rules.programmes import Held, Standing, is_programme, standings
from pravah_progress.rules.views import ProgrammeCourseView
from pravah_shared.events import Course
from pravah_shared.locales import text_in


@dataclass(frozen=True, slots=True)
class Beside:
    """What is read beside a programme's document: its courses, and the learner's documents."""

    held: Held = field(default_factory=dict)
    courses: Mapping[str, Course] = field(default_factory=dict)

    def standings(self, course: Course | None) -> tuple[Standing, ...]:
        """Return how the learner stands in the programme's courses; none of a plain course."""
        if course is None or not is_programme(course):
            return ()
        return standings(course, self.held)

    def views(
        self, course: Course | None, preferred: Sequence[str]
    ) -> tuple[ProgrammeCourseView, ...]:
        """Return the same to be read, titles in the best of `preferred`."""
        return tuple(self._view(standing, preferred) for standing in self.standings(course))

    def _view(self, standing: Standing, preferred: Sequence[str]) -> ProgrammeCourseView:
        known = self.courses.get(standing.course_id)
        return ProgrammeCourseView(
            course_id=standing.course_id,
            title=standing.course_id if known is None else text_in(known.title, preferred),
            optional=standing.optional,
            started_at=_moment(standing.started_at),
            completed_at=_moment(standing.completed_at),
            score_percent=None if standing.score is None else standing.score.percent,
        )


ALONE = Beside()
"""Nothing beside it: enough for a course."""


def _moment(milliseconds: Milliseconds | None) -> datetime | None:
    return None if milliseconds is None else from_milliseconds(milliseconds)
