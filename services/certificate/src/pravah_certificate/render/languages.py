"""Which language to answer in (RFC 9110 § 12.5.4, lookup of RFC 4647 § 3.4)."""

from collections.abc import Collection

DEFAULT = "en"


def choose(accepted: str | None, available: Collection[str]) -> str:
    """Return the available language that a reader likes best; English when none fits.

    `accepted` is an Accept-Language header. `hi-IN` finds `hi`; unreadable parts are skipped.
    """
    wanted = sorted(map(preference, (accepted or "").split(",")), key=lambda item: -item[1])
    for tag, weight in wanted:
        if weight > 0:
            while tag and tag not in available:
                tag = tag.rpartition("-")[0]  # noqa: PLW2901 - RFC 4647: shorten until one fits
            if tag:
                return tag
    return DEFAULT


def preference(item: str) -> tuple[str, float]:
    """Return a language range and its weight; an unreadable weight counts as none."""
    tag, _, parameter = item.strip().lower().partition(";")
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return tag.strip(), 1.0
    try:
        return tag.strip(), float(value)
    except ValueError:
        return tag.strip(), 0.0
