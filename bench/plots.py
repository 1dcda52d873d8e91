"""`python -m bench.plots`: draw the growth curves of var/bench.json into docs/images/.

It needs matplotlib, which is in the extra `bench`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.growth import CURVE_NAME
from bench.harness import RESULTS_FILE, Figure

IMAGES = Path("docs") / "images"
_POINT = re.compile(rf"{CURVE_NAME} (?P<curve>[\w ]+): (?P<size>\d+)")
Curve = Sequence[tuple[int, Figure]]


def read_curves(results: Sequence[Figure]) -> dict[str, Curve]:
    """Return the points of each curve, by size."""
    curves: dict[str, list[tuple[int, Figure]]] = {}
    for figure in results:
        if found := _POINT.fullmatch(figure.name):
            curves.setdefault(found["curve"], []).append((int(found["size"]), figure))
    return {name: sorted(points, key=lambda point: point[0]) for name, points in curves.items()}


def draw(curves: Mapping[str, Curve], folder: Path) -> list[Path]:
    """Write one small PNG a curve: the median of the rounds as a line, their lowest and highest as an area."""
    from matplotlib.figure import Figure as Picture

    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, points in curves.items():
        picture = Picture(figsize=(4.8, 2.8), dpi=90, layout="constrained")
        _draw_curve(picture.subplots(), name, points)
        files.append(folder / f"growth-{name.replace(' ', '-')}.png")
        picture.savefig(files[-1])
    return files


def _draw_curve(axes: Any, name: str, points: Curve) -> None:
    sizes = [size for size, _ in points]
    axes.fill_between(sizes, [p.minimum for _, p in points], [p.maximum for _, p in points], alpha=0.2)
    axes.plot(sizes, [point.value for _, point in points], marker="o")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(name)
    axes.set_ylabel("processor time, µs a record")
    axes.grid(alpha=0.3)


def main() -> None:
    """Draw what the file of results holds. Raises `SystemExit` if it holds no curve."""
    found = msgspec.json.decode(RESULTS_FILE.read_bytes())["results"] if RESULTS_FILE.exists() else []
    curves = read_curves(msgspec.convert(found, list[Figure]))
    if not curves:
        raise SystemExit(f"{RESULTS_FILE} holds no growth curves: measure them with make bench ARGS={CURVE_NAME}")
    for file in draw(curves, IMAGES):
        print(f"written to {file}")


if __name__ == "__main__":
    main()
