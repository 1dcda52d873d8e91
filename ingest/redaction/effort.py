"""How much work the exact rules may do: as much as a byte of a payload is worth, whatever a client makes of it.

The unit is about 60 ns on one core. The count follows from the bytes alone and from no clock, so equal requests come
out equal.
"""

A_REQUEST = 32_000_000  # 2 s, 4 s at most; 10 MB with a secret in every tenth payload take a fortieth of it
A_MOMENT = 80_000  # 5 ms, 10 ms at most: what one request may take on the event loop
A_FIND = 200  # to look closely at what a rule found, and to cut it
AN_ESCAPE = 16
A_QUOTE = 2
BYTES_A_UNIT = 4  # of a text that a rule looks through


class TooDense(Exception):
    """The effort is used up: these bytes hold more to look at than a request is worth."""


class Effort:
    """What is left of it."""

    def __init__(self, units: int = A_REQUEST) -> None:
        self._left = units

    def spend_on(self, size: int) -> None:
        """Of a rule that looks through ``size`` bytes; raises `TooDense` as `spend` does."""
        self.spend(size // BYTES_A_UNIT)

    def spend(self, units: int) -> None:
        """Raises `TooDense` where so much is not left, then and ever after."""
        self._left -= units
        if self._left < 0:
            raise TooDense
