"""Which media type to answer with (RFC 9110 § 12.5.1)."""

from collections.abc import Sequence


def negotiate(accept: str | None, offered: Sequence[str]) -> str | None:
    """Return the offered type that a client likes best, None when it takes none of them.

    Without a preference the first one offered is taken. Unreadable parts are skipped.
    """
    ranges = [parsed(item) for item in (accept or "*/*").split(",")]
    best = max(offered, key=lambda media: quality(media, ranges))  # the first of equals
    return best if quality(best, ranges) > 0 else None


def parsed(item: str) -> tuple[str, float]:
    """Return a media range and its weight; other parameters are of no account here."""
    media, *parameters = (part.strip().lower() for part in item.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media, float(value)
            except ValueError:
                return media, 0.0
    return media, 1.0


def quality(media: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Return how much a type is liked: the most specific range that holds it decides."""
    major = media.partition("/")[0]
    for wanted in (media, f"{major}/*", "*/*"):
        weights = [weight for name, weight in ranges if name == wanted]
        if weights:
            return max(weights)
    return 0.0
