"""Turns pydantic's errors into fields, problems and remedies that a client's author can act on.

A refused *text* is never quoted back: it may be a name, and answers are logged on the way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pravah_shared.events.types import ID_PATTERN

MOST = 50
"""Field problems in one answer: a batch of ten thousand wrong rows needs no more to be mended."""

PLACES = {"body": "", "query": "?", "path": "path ", "header": "header ", "cookie": "cookie "}
"""How the place of a field is written before its name."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field: `updates[0].spent_seconds`, what is wrong, what to send instead."""

    field: str
    problem: str
    remedy: str


REMEDIES = {
    "missing": "send this field",
    "json_invalid": "send well-formed JSON in UTF-8",
    "string_type": "send a string",
    "string_unicode": "send text that is valid UTF-8",
    "string_too_short": "send at least {min_length} characters",
    "string_too_long": "send at most {max_length} characters",
    "string_pattern_mismatch": "send text that matches {pattern}",
    "int_type": "send a whole number",
    "int_parsing": "send a whole number",
    "int_from_float": "send a whole number",
    "float_type": "send a number",
    "float_parsing": "send a number",
    "finite_number": "send a finite number",
    "bool_type": "send true or false",
    "bool_parsing": "send true or false",
    "greater_than": "send a number above {gt}",
    "greater_than_equal": "send {ge} or more",
    "less_than": "send a number below {lt}",
    "less_than_equal": "send {le} or less",
    "literal_error": "send one of {expected}",
    "enum": "send one of {expected}",
    "list_type": "send a JSON array",
    "tuple_type": "send a JSON array",
    "dict_type": "send a JSON object",
    "model_type": "send a JSON object",
    "model_attributes_type": "send a JSON object, with Content-Type: application/json",
    "too_short": "send at least {min_length} entries",
    "too_long": "send at most {max_length} entries",
    "timezone_aware": "send the offset too, as in 2026-01-31T10:00:00+05:30",
    "datetime_parsing": "send a time as in 2026-01-31T10:00:00+05:30 (RFC 3339)",
    "datetime_from_date_parsing": "send a time as in 2026-01-31T10:00:00+05:30 (RFC 3339)",
    "datetime_type": "send a time as in 2026-01-31T10:00:00+05:30 (RFC 3339)",
    "extra_forbidden": "leave this field out",
    "decimal_parsing": "send a number",
}
ID_REMEDY = "send 1 to 64 letters, digits, . _ : or -, beginning with a letter or a digit"
ANY_REMEDY = "correct this field; /docs describes it"


def is_malformed(errors: Sequence[Any]) -> bool:
    """Tell whether the body was no JSON at all, so that no field can be named."""
    return any(error["type"] == "json_invalid" for error in errors)


def field_problems(errors: Sequence[Any]) -> tuple[FieldProblem, ...]:
    """Return a problem for each of pydantic's errors (its `type`, `loc`, `msg`, `input`, `ctx`)."""
    return tuple(_field_problem(error) for error in errors[:MOST])


def _field_problem(error: Mapping[str, Any]) -> FieldProblem:
    field = _field(tuple(error["loc"]))
    context: Mapping[str, Any] = error.get("ctx") or {}
    if error["type"] == "json_invalid":
        position = error["loc"][-1]
        return FieldProblem(field, f"{context['error']} at {position}", REMEDIES["json_invalid"])
    if error["type"] == "value_error":  # ours: written as "problem; remedy"
        problem, _, remedy = str(context.get("error", error["msg"])).partition("; ")
        return FieldProblem(field, problem, remedy or ANY_REMEDY)
    return FieldProblem(field, _problem(error), _remedy(error["type"], context))


def _field(loc: tuple[str | int, ...]) -> str:
    """Return `updates[0].spent_seconds` for `("body", "updates", 0, "spent_seconds")`."""
    place, *rest = loc or ("body",)
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)
    return f"{PLACES.get(str(place), '')}{path.removeprefix('.')}" or "body"


def _problem(error: Mapping[str, Any]) -> str:
    message = str(error["msg"])[:1].lower() + str(error["msg"])[1:]
    given = error.get("input")
    if isinstance(given, (bool, int, float)):
        return f"{message}, got {given!r:.40}"
    return message if error["type"] != "string_pattern_mismatch" else "holds characters not allowed"


def _remedy(kind: str, context: Mapping[str, Any]) -> str:
    if context.get("pattern") == ID_PATTERN:
        return ID_REMEDY
    remedy = REMEDIES.get(kind, ANY_REMEDY)
    try:
        return remedy.format(**context)
    except KeyError:  # a pydantic that no longer gives this part of the context
        return ANY_REMEDY
