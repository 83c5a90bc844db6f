"""What a translation lacks: the check behind each service's test of its texts."""

import re
from collections.abc import Collection, Iterator, Sequence
from importlib.resources import files

from babel.messages.catalog import Message
from babel.messages.pofile import read_po

Msgid = str | tuple[str, str]
"""An English text, or what it is for one and for more."""

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


def translation_faults(package: str, locale: str, msgids: Collection[Msgid]) -> list[str]:
    """Name what is wrong with a package's `locales/<locale>.po`. Empty: nothing.

    Every text is translated, in each plural form, with the placeholders of the English one, and
    nothing else is. A fuzzy translation is none: it is not shown.
    """
    with (files(package) / "locales" / f"{locale}.po").open("rb") as po:
        catalogue = read_po(po, locale=locale)
    translated = {message.id: message for message in catalogue if message.id and not message.fuzzy}
    faults = [f"not translated: {msgid}" for msgid in msgids if msgid not in translated]
    faults += [f"not used: {msgid}" for msgid in translated if msgid not in msgids]
    for message in translated.values():
        faults += _faults_of(message, catalogue.num_plurals)
    return faults


def _faults_of(message: Message, plural_forms: int) -> Iterator[str]:
    sources, forms = _forms(message.id), _forms(message.string or "")
    if message.pluralizable and len(forms) != plural_forms:
        yield f"{len(forms)} of {plural_forms} plural forms: {message.id}"
    for form in forms:
        if not form or form in sources:
            yield f"not translated: {message.id}"
        elif sorted(PLACEHOLDER.findall(form)) != sorted(PLACEHOLDER.findall(sources[0])):
            yield f"other placeholders: {form}"


def _forms(text: str | Sequence[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)
