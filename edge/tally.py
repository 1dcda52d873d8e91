"""Counts of values by bucket, which cost a request less than a `Histogram` of prometheus_client (0.4 instead of 2 µs).

A collector turns them into metrics when they are scraped. One thread counts and scrapes.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.utils import INF, floatToGoString


class Tally:
    """The number of values up to each bound, and their sum."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def shown_in(self, family: HistogramMetricFamily, labels: Sequence[str] = ()) -> HistogramMetricFamily:
        """Add a series with these labels to a metric; return the metric."""
        names = [floatToGoString(bound) for bound in (*self._bounds, INF)]  # type: ignore[no-untyped-call]
        family.add_metric(labels, list(zip(names, accumulate(self._counts), strict=True)), self._sum)
        return family
