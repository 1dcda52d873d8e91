"""The growth curves: the drawn points are the measured ones."""

from bench import growth
from bench.growth import CURVE_NAME, CURVES, size_of
from bench.harness import of_rounds, without_mark
from bench.plots import read_curves


def test_each_point_is_found_again_by_its_name() -> None:
    """The results file has only names for its figures; a curve is sorted by size."""
    points = [(name, size_of(name, shape)) for name, shapes in CURVES.items() for shape in reversed(shapes)]
    results = [of_rounds(f"{CURVE_NAME} {name}: {size}", [float(size)], "µs") for name, size in points]

    curves = read_curves([*results, without_mark("cost_growth orgs: many / few", 1.0, "times")])

    assert set(curves) == set(CURVES)
    for name, points_read in curves.items():
        assert [size for size, _ in points_read] == sorted(size_of(name, shape) for shape in CURVES[name])
        assert all(figure.value == size for size, figure in points_read)


def test_curves_begin_and_end_where_the_growth_is_bounded() -> None:
    """So the limits of `cost_growth` say something about the ends of the curves."""
    for name, shapes in CURVES.items():
        assert shapes[0] == growth.SMALL[name]
        assert shapes[-1] == growth.LARGE[name]
