"""Rules: who has earned what, against a reckoning of its own."""

from certificate_samples import (
    MERIT,
    PARTICIPATION,
    KeysInMemory,
    completed,
    course,
    erased,
    improved,
    person,
    started,
)
from hypothesis import given
from hypothesis import strategies as st

from pravah_certificate import rules
from pravah_certificate.model import NotEligible, Standing, Verdict
from pravah_shared.events import CertificateRule

KEYS = KeysInMemory()


def judged(
    score: float | None = None,
    *,
    offers: tuple[CertificateRule, ...] = (PARTICIPATION,),
    standing: Standing = Standing.READABLE,
    completed_on: int = 1,
    version: int = 1,
) -> Verdict:
    """Return the verdict on a completion with its course here."""
    known = rules.course_of(course(version=version, rules=offers).data)
    completion = rules.completion_of(completed(version=completed_on, score=score))
    return rules.decide(completion, known, standing)


def test_a_completion_earns_each_certificate_it_reaches() -> None:
    """One place per certificate name."""
    verdict = judged(75, offers=(PARTICIPATION, MERIT))
    assert [earned.key for earned in verdict.earned] == [
        "asha|ethics||participation|1",
        "asha|ethics||merit|1",
    ]
    assert verdict.state == "settled"


def test_a_score_below_the_mark_is_explained() -> None:
    """Not eligible says what was asked and what was reached."""
    verdict = judged(74.9, offers=(PARTICIPATION, MERIT))
    assert [earned.name for earned in verdict.earned] == ["participation"]
    assert verdict.not_eligible == (NotEligible("merit", 75, 74.9),)


def test_no_score_reaches_no_mark() -> None:
    """A course without assessments gives no merit."""
    assert judged(None, offers=(MERIT,)).not_eligible == (NotEligible("merit", 75, None),)


def test_without_the_person_it_waits() -> None:
    """No certificate without a name."""
    verdict = judged(standing=Standing.UNKNOWN)
    assert (verdict.state, verdict.waiting_for) == ("waiting", ("person",))


def test_nobody_waits_for_a_person_with_nothing_to_issue() -> None:
    """A course that offers no certificate leaves nothing waiting."""
    assert judged(offers=(), standing=Standing.UNKNOWN).state == "settled"


def test_without_the_course_it_waits() -> None:
    """All that is missing is named."""
    completion = rules.completion_of(completed())
    waiting = rules.decide(completion, None, Standing.UNKNOWN)
    assert waiting.waiting_for == ("person", "course")
    assert rules.decide(completion, None, Standing.READABLE).waiting_for == ("course",)


def test_an_older_course_than_the_completion_decides_nothing() -> None:
    """Its rules are not those the learner completed under."""
    assert judged(completed_on=2, version=1).waiting_for == ("course",)
    assert judged(completed_on=1, version=2).state == "settled"


def test_an_erased_person_gets_nothing() -> None:
    """Whatever was earned."""
    verdict = judged(standing=Standing.ERASED)
    assert (verdict.state, verdict.earned) == ("erased", ())


def test_types_of_the_topic_that_lead_nowhere_are_skipped() -> None:
    """`started` and `score_improved` are on the same topic as `completed`."""
    assert rules.merge([started(), improved()]) == rules.Facts()


EVENTS = st.one_of(
    st.builds(
        completed,
        st.sampled_from(["asha", "ravi"]),
        st.sampled_from(["ethics", "law"]),
        term=st.integers(1, 2),
    ),
    st.builds(
        lambda who, version: person(KEYS, who, version),
        st.sampled_from(["asha", "ravi"]),
        st.integers(1, 3),
    ),
    st.builds(
        course,
        st.sampled_from(["ethics", "law"]),
        st.integers(1, 3),
    ),
    st.builds(erased, st.sampled_from(["asha", "ravi"])),
)


@given(batch=st.lists(EVENTS, max_size=12), seed=st.randoms(use_true_random=False))
def test_merging_knows_no_order_and_no_duplicates(batch: list[object], seed: object) -> None:
    """Shuffled and doubled, a batch folds to the same facts (ciphertexts aside)."""
    shuffled = [*batch, *batch[: len(batch) // 2]]
    seed.shuffle(shuffled)  # type: ignore[attr-defined]

    def told(facts: rules.Facts) -> tuple[object, ...]:
        return (
            {each.id for each in facts.completions},
            {(each.learner_id, each.version, each.erased) for each in facts.people},
            {(each.course_id, each.version) for each in facts.courses},
        )

    assert told(rules.merge(batch)) == told(rules.merge(shuffled))  # type: ignore[arg-type]


@given(
    score=st.none() | st.floats(0, 100),
    marks=st.lists(st.none() | st.floats(0, 100), max_size=4),
)
def test_earned_and_missed_divide_what_is_offered(
    score: float | None, marks: list[float | None]
) -> None:
    """Reckoned apart: a mark is reached when the score, or less than nothing, is not below."""
    offers = tuple(
        CertificateRule(name=f"c{n}", min_score_percent=mark) for n, mark in enumerate(marks)
    )
    verdict = judged(score, offers=offers)
    level = -1 if score is None else score
    expected = {f"c{n}" for n, mark in enumerate(marks) if not (mark is not None and level < mark)}
    assert {earned.name for earned in verdict.earned} == expected
    assert {missed.name for missed in verdict.not_eligible} == {r.name for r in offers} - expected
