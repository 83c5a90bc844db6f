"""Faults of a translation are found before a reader finds them."""

from pathlib import Path

import pytest

from pravah_cli.testing.translating import Msgid, translation_faults

MANY = ("%(n)d unit is open", "%(n)d units are open")
HEADER = """
msgid ""
msgstr ""
"Language: hi\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"
"""
ONE_FORM = f'msgid "{MANY[0]}"\nmsgid_plural "{MANY[1]}"\nmsgstr[0] "%(n)d इकाई शेष है"\n'


@pytest.mark.parametrize(
    ("msgid", "entry", "fault"),
    [
        ("Hello %(name)s", 'msgid "Hello %(name)s"\nmsgstr "नमस्ते %(name)s"', ""),
        (MANY, ONE_FORM + 'msgstr[1] "%(n)d इकाइयाँ शेष हैं"', ""),
        ("Hello", "", "not translated: Hello"),
        ("Hello", 'msgid "Hello"\nmsgstr ""', "not translated: Hello"),
        ("Hello", 'msgid "Hello"\nmsgstr "Hello"', "not translated: Hello"),
        ("Hello", '#, fuzzy\nmsgid "Hello"\nmsgstr "नमस्ते"', "not translated: Hello"),
        ("Hello %(name)s", 'msgid "Hello %(name)s"\nmsgstr "नमस्ते"', "other placeholders: नमस्ते"),
        (MANY, ONE_FORM, f"not translated: {MANY}"),
    ],
)
def test_a_fault_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, msgid: Msgid, entry: str, fault: str
) -> None:
    """Missing, empty, left in English, fuzzy, without its placeholder, without a plural form."""
    package = package_with(entry, tmp_path, monkeypatch)
    assert translation_faults(package, "hi", {msgid}) == ([fault] if fault else [])


def test_a_translation_left_over_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its English text was changed or dropped."""
    package = package_with('msgid "Bye"\nmsgstr "विदा"', tmp_path, monkeypatch)
    assert translation_faults(package, "hi", set()) == ["not used: Bye"]


def package_with(entry: str, there: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a package whose Hindi translation holds an entry; return its name."""
    package = there / f"translated_{there.name}"
    (package / "locales").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "locales" / "hi.po").write_text(HEADER + "\n" + entry + "\n", "utf-8")
    monkeypatch.syspath_prepend(there)
    return package.name
