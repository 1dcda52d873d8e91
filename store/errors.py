"""What an error of the store means for the process that meets it. Needs no client, so commands can name the errors.

* `StoreUnavailable` — the same statement may succeed in a moment: wait and send it again
* `StoreRefuses` — a `Broken`: the store lacks a user, a right or a setting, which only a person can change
* `Refused` — a `Broken`: what is there does not fit this code, or belongs to another installation
* `kernel.broken.Broken` — the process stops

`store.client_errors` says which error of the client is which.
"""

from kernel.broken import Broken


class StoreUnavailable(Exception):
    """The store is away, closed, overloaded or too slow; nothing is wrong with the statement."""


class StoreRefuses(Broken):
    """The store refuses our user, or what this process needs; the message says what to change."""


class Refused(Broken):
    """What is there does not fit this code or this installation; the message says what to do."""
