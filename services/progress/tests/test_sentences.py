"""In whose language an explanation speaks."""

import re
from collections.abc import Iterator
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pravah_cli.testing.translating import translation_faults
from pravah_progress.rules import explain
from pravah_progress.rules.explanation import Explanation, Reason, ReasonCode
from pravah_progress.rules.sentences import COUNTED, PACKAGE, SENTENCES
from pravah_shared.events import Course, EventData
from pravah_shared.locales import LOCALES, SOURCE_LOCALE, preferred_languages

from .facts import COURSES, FACTS, attempt, course, enrolled, progressed
from .memory import document_of

NOTHING_PASSED = document_of(enrolled())
DEVANAGARI = re.compile("[\u0900-\u097f]")


def reasons_of(said: Explanation) -> Iterator[Reason]:
    """Yield all reasons of an explanation, in order."""
    yield from said.reasons
    for term in said.enrollments:
        yield from term.reasons


def test_every_code_has_one_sentence() -> None:
    """With a number in it, or without."""
    assert sorted((*SENTENCES, *COUNTED)) == sorted(get_args(ReasonCode))


@pytest.mark.parametrize("locale", [locale for locale in LOCALES if locale != SOURCE_LOCALE])
def test_every_sentence_is_translated_with_its_placeholders(locale: str) -> None:
    """No English in a Hindi explanation, no placeholder lost, no translation left over."""
    assert translation_faults(PACKAGE, locale, {*SENTENCES.values(), *COUNTED.values()}) == []


@pytest.mark.parametrize(
    ("accepted", "language", "text"),
    [
        ("hi-IN,en;q=0.5", "hi", "2 अनिवार्य इकाइयों में से 2 अभी पूरी नहीं हुई हैं: देखें, परीक्षा"),
        ("ta, hi;q=0.9", "hi", "2 अनिवार्य इकाइयों में से 2 अभी पूरी नहीं हुई हैं: देखें, परीक्षा"),
        ("en-GB, hi;q=0.5", "en", "2 of 2 required units are not passed: Watch, Test"),
        ("ta", "en", "2 of 2 required units are not passed: Watch, Test"),
        ("", "en", "2 of 2 required units are not passed: Watch, Test"),
    ],
)
def test_sentences_are_in_the_readers_language(accepted: str, language: str, text: str) -> None:
    """The best that there is, else English; the explanation says which."""
    said = explain(NOTHING_PASSED, course(), preferred_languages(accepted))
    assert said.language == language
    assert list(reasons_of(said)) == [Reason("units_missing", text)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "1 of 2 required units is not passed: Watch"),
        ("hi", "2 अनिवार्य इकाइयों में से 1 अभी पूरी नहीं हुई है: देखें"),
    ],
)
def test_one_is_not_many(language: str, text: str) -> None:
    """The verb follows how many are missing."""
    (reason,) = reasons_of(
        explain(document_of(progressed(attempt()), enrolled()), course(), [language])
    )
    assert reason.text == text


def test_a_title_with_a_placeholder_stays_text() -> None:
    """What publishers write is put into a sentence, never read as one."""
    odd = course().units[0].model_copy(update={"title": {"en": "100 %(titles)s %d"}})
    (reason,) = reasons_of(explain(NOTHING_PASSED, course(units=(odd,))))
    assert reason.text == "1 of 1 required units is not passed: 100 %(titles)s %d"


@given(facts=st.lists(FACTS, max_size=6), known=st.none() | COURSES)
def test_languages_differ_in_words_alone(facts: list[EventData], known: Course | None) -> None:
    """Whatever happened: the same codes in both, each sentence complete and in its language."""
    document = document_of(*facts) if facts else {"learner_id": "asha", "course_id": "ethics"}
    english, hindi = (list(reasons_of(explain(document, known, [tag]))) for tag in LOCALES)
    assert [reason.code for reason in english] == [reason.code for reason in hindi]
    assert not any(DEVANAGARI.search(reason.text) for reason in english)
    assert all(DEVANAGARI.search(reason.text) for reason in hindi)
    assert not any("%(" in reason.text for reason in (*english, *hindi))
