"""Languages that messages exist in, and how a learner's language is matched to one."""

import gettext
from collections.abc import Mapping
from importlib.resources import files
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE_LOCALE = "en"
"""The language of the msgids; needs no translation file and is everybody's last resort."""

LOCALES = (SOURCE_LOCALE, "hi")

RIGHT_TO_LEFT = frozenset({"ar", "fa", "ks", "sd", "ur"})


def locale_for(language: str) -> str:
    """Return the locale to write in: the language, else its base (`hi-IN` → `hi`), else English."""
    base = language.partition("-")[0].lower()
    return base if base in LOCALES else SOURCE_LOCALE


def direction(language: str) -> str:
    """Return the writing direction as HTML's `dir` names it."""
    return "rtl" if language.partition("-")[0] in RIGHT_TO_LEFT else "ltr"


def in_language(texts: Mapping[str, str], language: str) -> str:
    """Return the text for `language`, else its base, else English, else Hindi, else the first.

    A title in a wrong language still says which course is meant; no title says nothing.
    """
    for candidate in (language, language.partition("-")[0], SOURCE_LOCALE, "hi"):
        if candidate in texts:
            return texts[candidate]
    return texts[min(texts)]


def translations(locale: str) -> gettext.NullTranslations:
    """Read `locales/<locale>.po`. Compiled in memory: no build step can be forgotten."""
    if locale == SOURCE_LOCALE:
        return gettext.NullTranslations()
    source = files(__package__) / "locales" / f"{locale}.po"
    compiled = BytesIO()
    with source.open("rb") as po:
        write_mo(compiled, read_po(po, locale=locale))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
