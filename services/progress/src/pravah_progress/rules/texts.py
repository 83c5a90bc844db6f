"""Choose among translations by the languages a reader prefers."""

from collections.abc import Mapping, Sequence

FALLBACK = "en"


def preferred_languages(accept_language: str) -> tuple[str, ...]:
    """Return the languages of an Accept-Language header, best first (RFC 9110 12.5.4).

    What cannot be read is passed over: a wrong header costs a language, not the answer.
    """
    weighed: list[tuple[float, int, str]] = []
    for position, item in enumerate(accept_language.split(",")):
        tag, _, parameters = item.strip().partition(";")
        weight = _weight(parameters)
        if tag and tag != "*" and weight > 0:
            weighed.append((-weight, position, tag.lower()))
    return tuple(tag for _, _, tag in sorted(weighed))


def text_in(translations: Mapping[str, str], preferred: Sequence[str]) -> str:
    """Return the best translation: a preferred one, its base language, English, or any."""
    by_tag = {tag.lower(): text for tag, text in translations.items()}
    for tag in (*preferred, FALLBACK):
        for candidate in (tag, tag.split("-")[0]):
            if candidate in by_tag:
                return by_tag[candidate]
    return next(iter(translations.values()))


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
