"""Errors of the store, and what a process does about each. Importing them does not load the ClickHouse client.

* `StoreUnavailable` — the same statement may succeed in a moment: wait and send it again
* `StoreRefuses` — a `Broken`: the store lacks a user, a right or a setting, which only an operator can fix
* `Refused` — a `Broken`: what exists does not match this code, or belongs to another installation
* `store.broken.Broken` — the process stops

`store.client_errors` maps the client's errors to these.
"""

from store.broken import Broken


class StoreUnavailable(Exception):
    """The store is away, closed, overloaded or too slow; nothing is wrong with the statement."""


class StoreRefuses(Broken):
    """The store refuses our user, or what this process needs; the message says what to change."""


class Refused(Broken):
    """What exists does not match this code or this installation; the message says what to do."""
