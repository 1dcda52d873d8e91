"""The progress of long steps: occasional lines without a terminal, a bar with one."""

import io

from rich.console import Console

from cli.progress import Bar, Lines, progress_on


def test_a_short_step_prints_nothing() -> None:
    """Ten seconds pass before the first line."""
    lines, now = [], [0.0]
    meter = Lines(lines.append, lambda: now[0])

    meter.begin("export", 100)
    now[0] = 9.9
    meter.add(50, 1000)

    assert lines == []


def test_a_long_step_prints_a_line_every_ten_seconds() -> None:
    """It shows what is done, the rate, and the time left; a new step begins at zero."""
    lines, now = [], [0.0]
    meter = Lines(lines.append, lambda: now[0])

    meter.begin("verify", 5)
    meter.begin("import", 1000)
    for second in range(1, 26):
        now[0] = float(second)
        meter.add(10, 2_000_000)

    assert lines == [
        "import: 100 of 1,000 records, 2.0 MB/s, about 90 s left",
        "import: 200 of 1,000 records, 2.0 MB/s, about 80 s left",
    ]


def test_a_bar_shows_records_and_bytes() -> None:
    """A step without work is a bar too."""
    out = io.StringIO()
    with progress_on(Console(file=out, force_terminal=True, width=160)) as progress:
        meter = Bar(progress)
        meter.begin("verify", 0)
        meter.begin("export", 1000)
        meter.add(400, 1_000_000)
        meter.add(600, 1_000_000)
        meter.move()

    assert "1,000 of 1,000" in out.getvalue()
    assert "MB/s" in out.getvalue()
