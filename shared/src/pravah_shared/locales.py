"""Languages of what people read: which a reader prefers, and which of those there are texts in.

English is the source. A package keeps its translations in `locales/<locale>.po`, with the English
sentences as msgids; gettext tells singular from plural.
"""

import gettext
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from io import BytesIO

SOURCE_LOCALE = "en"
"""The language of the msgids; needs no translation file and is everybody's last resort."""

LOCALES = (SOURCE_LOCALE, "hi")
"""What services write in. Of a language added here their tests say what is not translated."""


def preferred_languages(accept_language: str) -> tuple[str, ...]:
    """Return the languages of an Accept-Language header, best first (RFC 9110 12.5.4).

    What cannot be read is passed over: a wrong header costs a language, not the answer.
    """
    weighed: list[tuple[float, int, str]] = []
    for position, item in enumerate(accept_language.split(",")):
        tag, _, parameters = item.partition(";")
        tag, weight = tag.strip().lower(), _weight(parameters)
        if tag and tag != "*" and weight > 0:
            weighed.append((-weight, position, tag))
    return tuple(tag for _, _, tag in sorted(weighed))


def locale_for(preferred: Iterable[str], available: Collection[str] = LOCALES) -> str:
    """Return the best of the preferred languages that is available (`hi-IN` → `hi`), else English.

    Each is looked up whole before a shorter form of it, and before the next (RFC 4647 3.4).
    """
    return next((tag for tag in _lookups(preferred) if tag in available), SOURCE_LOCALE)


def text_in(texts: Mapping[str, str], preferred: Iterable[str]) -> str:
    """Return the text in the best of the preferred languages, else English, Hindi, or the first.

    A title in a wrong language still says which course is meant; no title says nothing.
    """
    by_tag = {tag.lower(): text for tag, text in texts.items()}
    for tag in _lookups((*preferred, *LOCALES)):
        if tag in by_tag:
            return by_tag[tag]
    return next(iter(texts.values()))


@cache
def translations(package: str, locale: str) -> gettext.NullTranslations:
    """Return a package's translations; English ones change nothing.

    Read once, as a module is. Compiled in memory: no build step can be forgotten.
    """
    if locale == SOURCE_LOCALE:
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    source = files(package) / "locales" / f"{locale}.po"
    compiled = BytesIO()
    with source.open("rb") as po:
        write_mo(compiled, read_po(po, locale=locale))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _lookups(tags: Iterable[str]) -> Iterator[str]:
    for tag in tags:
        shortened = tag.lower()
        while shortened:
            yield shortened
            shortened = shortened.rpartition("-")[0]


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
