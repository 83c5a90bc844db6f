"""One sentence for each reason, in the reader's language.

The English ones here are the msgids of the translations in `locales/`. Codes are the same in
every language.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from gettext import NullTranslations
from typing import Any

from pravah_progress.rules.explanation import Reason, ReasonCode
from pravah_shared.locales import translations

PACKAGE = "pravah_progress"
"""Holds the translations."""

SENTENCES: Mapping[ReasonCode, str] = {
    "completed": "completed at %(at)s",
    "course_unknown": (
        "course %(course_id)s is not known here yet; progress is kept, decided when it comes"
    ),
    "not_enrolled": "the learner is not enrolled; progress is kept and counts once they are",
    "other_run": (
        "progress reported for run %(run_id)s counts for that run, where there is no enrollment"
    ),
    "programme": "%(course_id)s is a programme: it is completed by its courses, not by units",
    "retired": ("course %(course_id)s is retired: it takes no new progress; what was taken counts"),
    "no_required_units": "course %(course_id)s requires no unit to be passed",
    "no_required_courses": "programme %(course_id)s has no mandatory course",
    "outside_run": (
        "some progress reported for run %(run_id)s lies outside of it, or came in too late"
    ),
    "after_retirement": "some progress came in after the course was retired",
    "run_unknown": (
        "the course does not name run %(run_id)s; only progress reported for it counts"
    ),
    "withdrawn": "withdrawn at %(at)s",
    "passed_after_withdrawal": "the last requirement was met at %(at)s, after the withdrawal",
    "being_decided": "all is there; the completion is about to be announced",
}

COUNTED: Mapping[ReasonCode, tuple[str, str]] = {
    "units_missing": (
        "%(missing)d of %(required)d required units is not passed: %(titles)s",
        "%(missing)d of %(required)d required units are not passed: %(titles)s",
    ),
    "courses_missing": (
        "%(missing)d of %(required)d mandatory courses is not completed: %(titles)s",
        "%(missing)d of %(required)d mandatory courses are not completed: %(titles)s",
    ),
}
"""Sentences that depend on a number: where one is `missing`, and where more are."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason that holds, not in words yet. `facts` fill the placeholders of its sentence."""

    code: ReasonCode
    facts: Mapping[str, Any] = field(default_factory=dict)


def worded(findings: Iterable[Finding], locale: str) -> tuple[Reason, ...]:
    """Put findings into words, in their order. A locale must be one of `LOCALES`."""
    spoken = translations(PACKAGE, locale)
    return tuple(Reason(found.code, _sentence(found, spoken)) for found in findings)


def _sentence(found: Finding, spoken: NullTranslations) -> str:
    if found.code in COUNTED:
        template = spoken.ngettext(*COUNTED[found.code], found.facts["missing"])
    else:
        template = spoken.gettext(SENTENCES[found.code])
    return template % found.facts
