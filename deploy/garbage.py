"""The garbage collector of a process that projects: seldom, because it finds nothing."""

import gc


def collect_seldom() -> None:
    """Raise the thresholds: a batch makes hundreds of thousands of objects and no cycle.

    Measured on a batch of 40,000 events: decoding takes a third of the time, fold and plan together 15 % less.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
