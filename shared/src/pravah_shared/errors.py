"""Errors, branched by what the caller does with them.

```
PravahError
├── Transient              retry in place: a dependency is at fault, no record is
│   ├── StoreUnavailable
│   ├── BrokerUnavailable
│   └── KeyStoreUnavailable
├── Poison                 one record is at fault: it goes to the dead letters
│   ├── Undecodable        its bytes are not an event of our contract
│   └── Refused            a store can never take what it leads to
├── Fenced                 another instance took over what this one was doing: stop doing it
├── BreakerOpen            too many dead letters: stop, move no offset, call a person
└── ConfigurationError     refuse to start; the message names the setting and the remedy
```

Adapters raise `Transient` for everything that is not on the closed list of `Refused`: an
outage, however long, must never turn into dead letters.
"""

import traceback


class PravahError(Exception):
    """Root of all errors that this project raises on purpose."""


class Transient(PravahError):  # noqa: N818 - the word of the architecture, read in `except Transient`
    """A dependency failed. What was asked may have happened in part: ask again, unchanged."""


class StoreUnavailable(Transient):
    """MongoDB did not confirm. Some of the writes may have landed."""


class BrokerUnavailable(Transient):
    """Kafka did not acknowledge. Some of the records may be in the log."""


class KeyStoreUnavailable(Transient):
    """The key store did not answer. Nothing was encrypted or decrypted."""


class Poison(PravahError):  # noqa: N818 - the field's word
    """A record that can never be handled. `reason` is a short, stable label for metrics."""

    reason = "poison"


class Undecodable(Poison):
    """The record's bytes or headers are not an event of the contract."""

    reason = "undecodable"


class Refused(Poison):
    """The store refuses what this record leads to, now and on every retry."""

    reason = "refused"


class Fenced(PravahError):  # noqa: N818 - the field's word
    """Another instance holds the transactional id, so this one's call left nothing to be seen.

    Asking again would fence the other in turn: give up the work (lease, shard) first.
    """


class BreakerOpen(PravahError):  # noqa: N818 - the field's word
    """The share of dead letters passed its limit. The loop has stopped; no offset moved."""


class ConfigurationError(PravahError):
    """A setting is missing or unsafe. The message names it and says what to do."""


def place_of(error: BaseException) -> str:
    """Name the line that raised, so that a bug is found without its text.

    A library's text may quote what it was given, which may be a person; ours never do.
    """
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
