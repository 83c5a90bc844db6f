"""Names are kept as people write them, and cannot deceive or break a mail."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pravah_enrollment.rules.names import email, latin, written


@pytest.mark.parametrize(
    "name",
    ["अंजलि शर्मा", "ক্‌ষ", "محمد‌رضا", "O'Brien", "José", "ശ്രീ‍", "ཀརྨ", "李小龍", "ᱥᱟᱱᱛᱟᱲ"],
)
def test_every_script_is_kept(name: str) -> None:
    """With its joiners: without them the word is another."""
    assert written(name) == unicodedata.normalize("NFC", name)


def test_two_keyboards_write_one_name() -> None:
    """NFC: é typed as one character or as two."""
    assert written("Jose\u0301") == written("Jos\u00e9") == "Jos\u00e9"


@given(st.text(min_size=1))
def test_writing_again_changes_nothing(text: str) -> None:
    """What was accepted once is accepted and kept for ever."""
    try:
        kept = written(text)
    except ValueError:
        return
    assert written(kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        "A\x00B",
        "A\nB",
        "A\x7f",
        "A\u2028B",
        "A\u202eB",
        "A\u2066B",
        "\ue000A",
        "   ",
        "\u200d",
        "12",
    ],
)
def test_what_no_name_holds_is_refused(text: str) -> None:
    """Control characters break mails and logs, overrides turn a certificate's text around."""
    with pytest.raises(ValueError, match=";"):
        written(text)


def test_a_latin_name_is_latin() -> None:
    """Accents and dots are; other scripts have their own field."""
    assert latin(" Łukasz d'Souza-Müller Jr. ") == "Łukasz d'Souza-Müller Jr."
    with pytest.raises(ValueError, match="not Latin"):
        latin("\u0410nna")  # a Cyrillic A


@pytest.mark.parametrize("text", ["a@b.example", "123@learners.example", "रवि@उदाहरण.भारत"])
def test_addresses_are_kept(text: str) -> None:
    """Internationalised ones too."""
    assert email(f" {text} ") == text


@pytest.mark.parametrize(
    "text",
    ["a", "a@b", "a b@c.example", "a@b.example\nBcc: x@y.example", "<a@b.example>", "@b.example"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Above all what would add headers to a mail."""
    with pytest.raises(ValueError, match=";"):
        email(text)
