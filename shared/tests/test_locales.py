"""Which language a reader gets."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pravah_shared.locales import (
    LOCALES,
    locale_for,
    preferred_languages,
    text_in,
    translations,
)

PO = """
msgid ""
msgstr ""
"Language: hi\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

msgid "%(n)d unit"
msgid_plural "%(n)d units"
msgstr[0] "%(n)d इकाई"
msgstr[1] "%(n)d इकाइयाँ"
"""
LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=3)
FOREIGN = LETTERS.filter(lambda tag: tag not in LOCALES)


def test_languages_are_read_by_weight() -> None:
    """RFC 9110; what cannot be read costs a language, not the answer."""
    assert preferred_languages("en;q=0.2, hi-IN, *;q=0.1, ta;q=x") == ("hi-in", "en")
    assert preferred_languages("hi;q=0, en ;q=0.5") == ("en",)
    assert preferred_languages("") == ()


@given(header=st.text())
def test_any_header_is_answered(header: str) -> None:
    """In a locale that there is."""
    assert locale_for(preferred_languages(header)) in LOCALES


@given(
    weights=st.dictionaries(FOREIGN, st.integers(1, 1000), max_size=4),
    hindi=st.integers(1, 1000),
    english=st.integers(1, 1000),
)
def test_the_better_liked_of_those_available_is_chosen(
    weights: dict[str, int], hindi: int, english: int
) -> None:
    """In whatever order, whatever else is asked for; of equals the first."""
    weighed = {**weights, "hi-IN": hindi, "en-GB": english}
    header = ", ".join(f"{tag};q={weight / 1000}" for tag, weight in weighed.items())
    assert locale_for(preferred_languages(header)) == ("hi" if hindi >= english else "en")


def test_a_language_without_translation_reads_english() -> None:
    """The last resort of everybody. A base is found, also written in capitals."""
    found = [locale_for([language]) for language in ("hi-IN", "HI", "bn", "en-GB", "hil")]
    assert found == ["hi", "hi", "en", "en", "en"]
    assert locale_for(["bn", "hi-Deva-IN", "en"]) == "hi"
    assert locale_for(["hi"], {"en", "ta"}) == "en"


def test_a_title_in_any_language_is_better_than_none() -> None:
    """Own language, base, English, Hindi, whatever there is."""
    assert text_in({"ta": "நெறிமுறை"}, ["bn"]) == "நெறிமுறை"
    assert text_in({"bn": "নীতি", "en": "Ethics"}, ["bn-IN"]) == "নীতি"
    assert text_in({"ta": "நெறிமுறை", "en": "Ethics"}, ["hi"]) == "Ethics"
    assert text_in({"ta": "நெறிமுறை", "hi": "नैतिकता"}, []) == "नैतिकता"
    assert text_in({"hi-IN": "नैतिकता", "en": "Ethics"}, ["hi-in"]) == "नैतिकता"


def test_a_packages_translations_know_singular_and_plural(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """English needs no file; a text that is not translated stays English."""
    (tmp_path / "spoken" / "locales").mkdir(parents=True)
    (tmp_path / "spoken" / "__init__.py").touch()
    (tmp_path / "spoken" / "locales" / "hi.po").write_text(PO, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    hindi, english = translations("spoken", "hi"), translations("spoken", "en")
    units = ("%(n)d unit", "%(n)d units")
    assert [hindi.ngettext(*units, n) for n in (1, 2)] == ["%(n)d इकाई", "%(n)d इकाइयाँ"]
    assert [english.ngettext(*units, n) for n in (1, 2)] == list(units)
    assert hindi.gettext("Not there") == "Not there"
    assert translations("spoken", "hi") is hindi
