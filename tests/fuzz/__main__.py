"""`python -m tests.fuzz --minutes 10 --seed 7`: attack `up` and print each finding with its request; exit 0 or 1."""

import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tests.fuzz.attack_setup import create_setup, prepare_data_folder
from tests.fuzz.attackers import KINDS, LIMIT_S, Plan
from tests.fuzz.exchange import send
from tests.fuzz.families import BY_NAME, case_of, chosen
from tests.fuzz.findings import Findings
from tests.fuzz.response_checks import faults_of
from tests.fuzz.run import Limits, Run
from tests.support.rigs.installation import Installation

# Attackers exceed an org's usual limits.
NO_LIMIT = ("--writes-per-hour", "1000000000", "--reads-per-hour", "1000000000")
console = Console(highlight=False, stderr=True, soft_wrap=True, markup=False)
FAMILY = click.Choice(list(BY_NAME))


@click.command()
@click.option("--minutes", type=float, default=10.0, show_default=True, help="Duration of the attack.")
@click.option("--seed", type=int, help="The same seed makes the same cases; by default a random one.")
@click.option("--only", type=FAMILY, multiple=True, help="Attack with this family; may be repeated.")
@click.option("--without", type=FAMILY, multiple=True, help="Attack without this family; may be repeated.")
@click.option("--replay", metavar="FAMILY/NUMBER", help="Send one request of --seed, and check the response.")
@click.option("--answer-s", default=1.0, show_default=True, help="Longest allowed response to the probe client.")
@click.option("--late-s", default=9.0, show_default=True, help="Longest allowed response to an attacker.")
@click.option("--memory-mb", default=200, show_default=True, help="Largest unexplained growth of memory at rest.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON on standard output.")
@click.option("--keep", is_flag=True, help="Keep the data folder.")
def main(
    minutes: float,
    seed: int | None,
    only: tuple[str, ...],
    without: tuple[str, ...],
    replay: str | None,
    answer_s: float,
    late_s: float,
    memory_mb: int,
    as_json: bool,
    keep: bool,
) -> None:
    """Attack `up` with hostile requests of every family, and check that no other client and no data suffers."""
    seed = random.SystemRandom().randrange(1 << 20) if seed is None else seed
    limits = Limits(answer_s, late_s, memory_mb << 20)
    data = Path(tempfile.mkdtemp(prefix="fuzz-"))
    up = Installation("up", data, *NO_LIMIT)
    console.print(f"seed {seed}, {minutes:g} minutes, data in {data}")
    try:
        prepare_data_folder(data)
        up.start()
        if replay:
            found = _replay(up, replay, seed, late_s)
        else:
            found = _fuzz(up, seed, minutes, chosen(only, without), limits, as_json)
    finally:
        up.end()
    if not (keep or found):
        shutil.rmtree(data)
    sys.exit(1 if found else 0)


def _fuzz(
    up: Installation, seed: int, minutes: float, families: tuple[str, ...], limits: Limits, as_json: bool
) -> bool:
    setup = create_setup(up)
    plan = Plan(("127.0.0.1", up.port), seed, families, setup, limits.late_s)
    run = Run(up, plan, Findings(seed), limits, console.print)
    run.attack(minutes * 60)
    console.print("checking every promise")
    run.check()
    _show(run)
    if as_json:
        print(json.dumps(run.figures(), indent=1))
    return bool(run.findings.all)


def _show(run: Run) -> None:
    figures = run.figures()
    table = Table("family", "cases", *KINDS, "slowest s")
    for name, row in figures["families"].items():
        table.add_row(name, *(f"{value:,}" for value in row.values()))
    console.print(table)
    console.print(f"{figures['cases']:,} cases, {figures['promised']:,} promised positions")
    console.print(f"probe client: {figures['client']}; memory at rest, MB: {figures['memory_mb']}")
    console.print(run.findings.described())


def _replay(up: Installation, what: str, seed: int, late_s: float) -> bool:
    """Send one copy of a case."""
    setup, address = create_setup(up), ("127.0.0.1", up.port)
    family, _, number = what.partition("/")
    case = case_of(seed, family, int(number), setup)
    answered = send(address, case, LIMIT_S)
    for reply in answered.replies:
        console.print(f"{reply.status} {reply.headers}\n{reply.body[:2_000].decode(errors='replace')}")
    faults = list(faults_of(case, answered, late_s))
    console.print(
        f"after {answered.took_s:.2f} s; "
        + ("\n".join(f"{fault.check}: {fault.what}" for fault in faults) or "nothing is wrong")
    )
    return bool(faults)


if __name__ == "__main__":
    main()
