"""Enrolling, withdrawing and completing in any order, against a tally that knows no rules.py."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from pravah_enrollment import rules
from pravah_enrollment.model import (
    AlreadyCompleted,
    Decision,
    Enroll,
    Enrollment,
    EnrollmentKey,
    Rejected,
)
from pravah_shared.events import Course, Enrolled, Run, Withdrawn

KEY = EnrollmentKey("l-1", "c-1", "r-1")
NOON = datetime(2024, 10, 19, 12, tzinfo=UTC)
HOURS = st.integers(0, 30)


def command(hours: int, *, given: bool = False) -> Enroll:
    """Return an enroll command some hours after noon."""
    return Enroll(KEY, 1, NOON + timedelta(hours=hours), "self", given_at=given)


class Terms(RuleBasedStateMachine):
    """One learner in one run. The oracle is `fate`: per term a word, and what was announced."""

    enroll: Callable[[Enrollment, Enroll], Decision] = staticmethod(rules.enroll)
    withdraw: Callable[..., Decision] = staticmethod(rules.withdraw)

    def __init__(self) -> None:
        super().__init__()
        self.state = Enrollment(KEY)
        self.fate: list[str] = []
        self.announced: Counter[tuple[type, int]] = Counter()

    @rule(hours=HOURS, given=st.booleans())
    def someone_enrolls(self, *, hours: int, given: bool) -> None:
        """A term begins only when none runs and none was completed last."""
        begins = not self.fate or self.fate[-1] == "left"
        known = self.state.terms
        try:
            decision = self.enroll(self.state, command(hours, given=given))
        except Rejected:
            assert begins, "a repeat was rejected"
            assert given, "the server's own time was rejected"
            return
        if decision.events:
            assert begins, "a term began while one runs or after a completion"
            self.fate.append("runs")
        else:
            assert not begins or decision.about in known
        self.apply(decision)

    @rule(hours=HOURS, given=st.booleans(), pick=st.integers(0, 10))
    def someone_leaves(self, *, hours: int, given: bool, pick: int) -> None:
        """Only a running term ends; a completed one refuses, a left one stays."""
        if not self.fate:
            return
        index = pick % len(self.fate)
        term = self.state.terms[index]
        at = NOON + timedelta(hours=hours)
        try:
            decision = self.withdraw(self.state, term.enrollment_id, at, given_at=given)
        except AlreadyCompleted:
            assert self.fate[index] == "done"
            return
        except Rejected:
            assert self.fate[index] == "runs"
            assert given
            assert at < term.enrolled_at
            return
        assert self.fate[index] != "done"
        assert bool(decision.events) == (self.fate[index] == "runs")
        self.fate[index] = "left"
        self.apply(decision)

    @rule(hours=HOURS, pick=st.integers(0, 10))
    def progress_reports_a_completion(self, hours: int, pick: int) -> None:
        """It may be about any term, withdrawn meanwhile or not, and come again."""
        if self.fate:
            index = pick % len(self.fate)
            self.fate[index] = "done"
            at = NOON + timedelta(hours=hours)
            terms = rules.complete(self.state.terms, index + 1, at)
            assert rules.complete(terms, index + 1, at + timedelta(1)) == terms
            self.state = replace(self.state, terms=terms)

    def apply(self, decision: Decision) -> None:
        """Store what was decided, as the store does."""
        assert decision.about in decision.terms
        if not decision.events:
            assert decision.terms == self.state.terms, "changed without an event"
        self.state = replace(self.state, terms=decision.terms)
        for event in decision.events:
            assert isinstance(event, Enrolled | Withdrawn)
            self.announced[type(event), event.term] += 1

    @invariant()
    def states_match_the_tally(self) -> None:
        """Learners see what happened to them."""
        words = {"active": "runs", "withdrawn": "left", "completed": "done"}
        assert [words[term.status] for term in self.state.terms] == self.fate

    @invariant()
    def everything_is_announced_once(self) -> None:
        """One enrolled per term, at most one withdrawn, under ids of their own."""
        numbers = range(1, len(self.fate) + 1)
        assert [self.announced[Enrolled, n] for n in numbers] == [1] * len(self.fate)
        assert all(self.announced[Withdrawn, n] <= 1 for n in numbers)
        assert len({term.enrollment_id for term in self.state.terms}) == len(self.fate)

    @invariant()
    def terms_follow_each_other(self) -> None:
        """No term ends before it begins, or begins before the one before it ended."""
        moments: list[datetime] = []
        for term in self.state.terms:
            moments.append(term.enrolled_at)
            if term.withdrawn_at:
                moments.append(term.withdrawn_at)
        assert moments == sorted(moments)


def check(machine: type[Terms]) -> None:
    """Run the machine over 300 histories."""
    run_state_machine_as_test(machine, settings=settings(max_examples=300, deadline=None))


def test_any_history_keeps_the_promises() -> None:
    """Whatever the order of commands and completions."""
    check(Terms)


class WithdrawsCompleted(Terms):
    """A seeded fault: a completion does not refuse a withdrawal."""

    @staticmethod
    def withdraw(enrollment: Enrollment, *args: Any, **options: Any) -> Decision:
        """Forget completions before deciding."""
        bare = tuple(replace(term, completed_at=None) for term in enrollment.terms)
        return rules.withdraw(replace(enrollment, terms=bare), *args, **options)


class EnrollsTwice(Terms):
    """A seeded fault: enrolling again begins a term although one runs."""

    @staticmethod
    def enroll(enrollment: Enrollment, command: Enroll) -> Decision:
        """Decide as if every term had been left."""
        left = tuple(
            replace(term, withdrawn_at=term.withdrawn_at or term.enrolled_at, completed_at=None)
            for term in enrollment.terms
        )
        return rules.enroll(replace(enrollment, terms=left), command)


@pytest.mark.parametrize("fault", [WithdrawsCompleted, EnrollsTwice])
def test_the_machine_finds_a_seeded_fault(fault: type[Terms]) -> None:
    """A machine that finds nothing proves nothing."""
    with pytest.raises((AssertionError, BaseExceptionGroup)):
        check(fault)


def test_enrolling_while_active_is_the_same_again() -> None:
    """A repeat is answered with the term that is there."""
    first = rules.enroll(Enrollment(KEY), command(0))
    again = rules.enroll(Enrollment(KEY, first.terms), command(5))
    assert again == Decision(first.terms, first.about)


def test_re_enrolling_after_a_withdrawal_is_a_new_term() -> None:
    """With an id of its own, so that its events are new ones."""
    first = rules.enroll(Enrollment(KEY), command(0))
    left = rules.withdraw(Enrollment(KEY, first.terms), first.about.enrollment_id, NOON)
    second = rules.enroll(Enrollment(KEY, left.terms), command(1))
    assert second.about.term == 2
    assert second.about.enrollment_id != first.about.enrollment_id


def test_an_import_repeated_after_a_withdrawal_begins_nothing() -> None:
    """The named time tells that it is the enrollment that was withdrawn."""
    first = rules.enroll(Enrollment(KEY), command(0, given=True))
    left = rules.withdraw(
        Enrollment(KEY, first.terms), first.about.enrollment_id, NOON + timedelta(hours=3)
    )
    again = rules.enroll(Enrollment(KEY, left.terms), command(0, given=True))
    assert not again.events
    assert again.about.term == 1


def test_a_racing_withdrawal_yields_to_the_completion() -> None:
    """Enrollment had it withdrawn when progress announced: the completion stands."""
    first = rules.enroll(Enrollment(KEY), command(0))
    left = rules.withdraw(Enrollment(KEY, first.terms), first.about.enrollment_id, NOON)
    (term,) = rules.complete(left.terms, 1, NOON)
    assert term.status == "completed"
    assert rules.enroll(Enrollment(KEY, (term,)), command(9)).about == term


@pytest.mark.parametrize(
    ("ahead", "settled"),
    [
        (-timedelta(days=400), -timedelta(days=400)),
        (timedelta(minutes=4), timedelta(0)),
        (timedelta(minutes=6), timedelta(0)),
        (timedelta(days=1), timedelta(0)),
    ],
)
def test_a_future_time_is_clamped_to_now(ahead: timedelta, settled: timedelta) -> None:
    """Clocks differ; nothing happens in the future."""
    assert rules.business_time("x", NOON + ahead, NOON, trusted=True) == NOON + settled


def test_a_time_beyond_a_day_is_refused() -> None:
    """It names another day than today: a slip, not a clock."""
    with pytest.raises(Rejected, match="more than a day ahead"):
        rules.business_time("x", NOON + timedelta(days=1, seconds=1), NOON, trusted=True)


def test_only_trusted_callers_name_the_time() -> None:
    """Others could date an enrollment before a deadline."""
    assert rules.business_time("x", None, NOON, trusted=False) == NOON
    with pytest.raises(Rejected, match="operators and systems"):
        rules.business_time("x", NOON, NOON, trusted=False)


RUN = Run(run_id="r-1", starts_at=NOON, ends_at=NOON + timedelta(days=9))
COURSE = Course(course_id="c-1", version=3, title={"en": "Ethics"}, provider="Centre", runs=(RUN,))


@pytest.mark.parametrize(
    ("course", "run_id", "field"),
    [
        (None, None, "course_id"),
        (COURSE.model_copy(update={"status": "retired"}), None, "course_id"),
        (COURSE, "r-2", "run_id"),
    ],
    ids=["unknown", "retired", "unknown-run"],
)
def test_a_course_that_takes_nobody_is_named(
    course: Course | None, run_id: str | None, field: str
) -> None:
    """The field, and what to do."""
    with pytest.raises(Rejected) as caught:
        rules.check_course(course, "c-1", run_id)
    assert caught.value.field_name == field


def test_only_changed_content_raises_the_version() -> None:
    """A repeated PUT publishes nothing."""
    wanted = COURSE.model_copy(update={"version": 1})
    assert rules.next_course(None, wanted, NOON) == wanted
    assert rules.next_course(COURSE, wanted, NOON) is None
    changed = wanted.model_copy(update={"provider": "Institute"})
    following = rules.next_course(COURSE, changed, NOON)
    assert following is not None
    assert (following.version, following.provider) == (4, "Institute")


def test_a_retired_course_says_since_when() -> None:
    """From the version that retires it on; not anew with the next, and no more once it is live."""
    retired = rules.next_course(COURSE, COURSE.model_copy(update={"status": "retired"}), NOON)
    assert retired is not None
    assert retired.retired_at == NOON
    later = NOON + timedelta(days=1)
    assert (
        rules.next_course(retired, retired.model_copy(update={"retired_at": None}), later) is None
    )
    renamed = rules.next_course(retired, retired.model_copy(update={"provider": "x"}), later)
    assert renamed is not None
    assert renamed.retired_at == NOON
    back = rules.next_course(retired, retired.model_copy(update={"status": "live"}), later)
    assert back is not None
    assert back.retired_at is None
