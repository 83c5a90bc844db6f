"""Whose fault a driver error is: the store's (ask again) or one record's (dead letter).

The default is the store. A record is blamed only by the closed lists below: an error that is
missing there delays, an error that is there by mistake throws learners' records away.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bson.errors import BSONError
from pymongo.errors import BulkWriteError, DocumentTooLarge, OperationFailure, PyMongoError

from pravah_shared.errors import Refused, StoreUnavailable

DUPLICATE_KEY = 11000

_REFUSED_CODES = frozenset(
    {
        2,  # BadValue: an operator meets a stored value of another type
        14,  # TypeMismatch
        28,  # PathNotViable
        52,  # DollarPrefixedFieldName
        56,  # EmptyFieldName
        57,  # DottedFieldName
        121,  # DocumentValidationFailure
        10334,  # BSONObjectTooLarge
        17280,  # KeyTooLong
        17419,  # resulting document too large (update)
        17420,  # resulting document too large (upsert)
    }
)
"""Write errors about one document (MongoDB's error_codes.yml)."""

_UNWRITABLE = (BSONError, OverflowError, UnicodeError, DocumentTooLarge)
"""Raised by the driver before anything is sent: this value is no BSON, or too much of it."""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn every error of the driver into ours; `what` names the attempt in the message.

    Raises:
        Refused: the store can never take this value; nothing of it was written. Of a bulk,
            the other writes may have landed: split it to find the one.
        StoreUnavailable: anything else. Writes may have landed in part: repeat them all.
    """
    try:
        yield
    except _UNWRITABLE as error:
        raise Refused(f"{what}: the store cannot hold this value: {error}") from error
    except BulkWriteError as error:
        raise of_bulk(what, error) from error
    except OperationFailure as error:
        raise _of_code(what, error.code, str(error)) from error
    except (PyMongoError, TimeoutError) as error:
        raise StoreUnavailable(
            f"{what} unconfirmed, check the replica set's primary: {_told(error)}"
        ) from error


def of_bulk(what: str, error: BulkWriteError) -> Refused | StoreUnavailable:
    """Classify a bulk: refused only when nothing else is wrong with it.

    A write concern error or one transient write among refused ones makes all of it
    transient; the next try meets the refused ones alone.
    """
    failures = write_errors(error)
    codes = {failure.get("code") for failure in failures}
    if not error.details.get("writeConcernErrors") and codes and codes <= _REFUSED_CODES:
        return Refused(f"{what}: {len(failures)} refused, first: {failures[0].get('errmsg')}")
    return StoreUnavailable(
        f"{what} unconfirmed, error codes {sorted(map(str, codes))}; repeat the batch"
    )


def write_errors(error: BulkWriteError) -> list[Mapping[str, Any]]:
    """Return the failed writes of a bulk, each with its `index` and `code`."""
    return list(error.details.get("writeErrors", ()))


def is_taken(details: Mapping[str, Any] | None) -> bool:
    """Tell whether an error is E11000 on `_id`: the document is there already.

    E11000 on another unique index is not: the document would be missing.
    """
    if not details or details.get("code") != DUPLICATE_KEY:
        return False
    return set(details.get("keyPattern", {"_id": 1})) == {"_id"}


def _of_code(what: str, code: int | None, told: str) -> Refused | StoreUnavailable:
    if code in _REFUSED_CODES:
        return Refused(f"{what}: the store refuses this value ({code}): {told}")
    return StoreUnavailable(f"{what} unconfirmed ({code}), repeat it: {told}")


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__
