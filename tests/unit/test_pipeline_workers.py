"""The number of workers that a pipeline assumes, from the partitions that it has."""

from tests.support.fakes.warehouse import FakeWarehouse
from tests.support.rigs.projection import pipeline_over


def test_a_worker_with_a_part_of_the_partitions_counts_others_like_itself() -> None:
    """A worker without partitions shares with no others."""
    pipeline = pipeline_over(FakeWarehouse(), [], partitions=4)
    found = [pipeline.worker_count()]
    pipeline.assign(range(4))
    found.append(pipeline.worker_count())
    for lost in ([1], [2, 3], [0]):
        pipeline.release(lost)
        found.append(pipeline.worker_count())

    assert found == [1, 1, 4 / 3, 4, 1]
