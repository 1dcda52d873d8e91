"""What can go wrong while projecting, and what each error tells the runner to do.

* `schemas.log.codec.Undecodable` — set the record aside as a dead letter and go on
* `StoreUnavailable` — wait and send the same plan again
* `schemas.log.position.LogUnavailable` — wait and read again
* `Broken` — stop the process; a restart is safe, going on is not
* `StoreRefuses` — a `Broken`: the store lacks a user, a right or a setting, which only a person can change
"""


class StoreUnavailable(Exception):
    """The store is away, overloaded or refuses for now; the same write may be sent again."""


class Broken(Exception):
    """A state that must not be: stop, and say what to do."""


class StoreRefuses(Broken):
    """The store does not let us in, or lets us do less than this process needs; the message says what to change."""
