"""What a course asks for, and how far a learner's facts meet it."""

from pravah_progress.model import Milliseconds
from pravah_progress.rules.announcing import Score
from pravah_progress.rules.scope import Scope
from pravah_shared.events import Course, Unit


def required_units(course: Course) -> tuple[Unit, ...]:
    """Return the units that completion asks for. Optional anywhere is optional everywhere."""
    return tuple(unit for unit in course.units if not unit.optional)


def last_passed_at(scope: Scope, course: Course) -> Milliseconds | None:
    """Return when the last required unit was passed.

    None: one is not passed, or the course requires none; such a course never completes by itself.
    """
    last: Milliseconds | None = None
    for unit in required_units(course):
        passed_at = scope.passed_at(unit)
        if passed_at is None:
            return None
        last = passed_at if last is None else max(last, passed_at)
    return last


def is_scored(course: Course) -> bool:
    """Tell whether a completion of the course may have a score at all."""
    return any(unit.kind == "assessment" and not unit.optional for unit in course.units)


def score_of(scope: Scope, course: Course) -> Score | None:
    """Return the mean of the best percents of the required assessment units.

    Units without a marked submission are left out; None when that leaves none.
    """
    bests = [
        best
        for unit in required_units(course)
        if unit.kind == "assessment" and (best := scope.best(unit)) is not None
    ]
    if not bests:
        return None
    mean = sum(best.percent for best in bests) / len(bests)
    return Score(min(100.0, round(mean, 6)), max(best.at for best in bests))


def languages_done(scope: Scope, course: Course) -> dict[str, int]:
    """Return, by language, how many required content units are passed and were done in it."""
    counts: dict[str, int] = {}
    for unit in required_content(course):
        if scope.passed_at(unit) is not None:
            for language in scope.languages_of(unit.unit_id):
                counts[language] = counts.get(language, 0) + 1
    return counts


def completed_languages(scope: Scope, course: Course) -> tuple[str, ...]:
    """Return the languages in which every required content unit was done, in their order.

    Of a completed course: whether a unit counts as passed is not asked again.
    """
    common: set[str] | None = None
    for unit in required_content(course):
        languages = scope.languages_of(unit.unit_id)
        common = languages if common is None else common & languages
        if not common:
            return ()
    return tuple(sorted(common or ()))


def required_content(course: Course) -> tuple[Unit, ...]:
    """Return the required units that may be learnt in one language or another."""
    return tuple(unit for unit in required_units(course) if unit.kind == "content")
