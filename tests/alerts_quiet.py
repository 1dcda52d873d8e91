"""`python -m tests.alerts_quiet --minutes 60`: the shipped alerts under normal load; exit with 1 if any of them fires.

A `stack`, an `audit` and a Prometheus run on loopback, with the rules as shipped and a scrape every 15 s. Alerts that
become pending or fire are printed with their time.
"""

import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path

import click
import yaml
from rich.console import Console

from tests.support.alerts import ALERTS
from tests.support.clients.traffic import Traffic
from tests.support.rigs.observed_stack import ObservedStack

ORG = "quiet"
LOOK_EVERY_S = 5.0
console = Console(highlight=False)


@click.command()
@click.option("--minutes", type=float, default=60.0, show_default=True)
@click.option("--rate", type=float, default=200.0, show_default=True, help="Events a second.")
@click.option("--keep", is_flag=True, help="Keep the data folder for inspection.")
def main(minutes: float, rate: float, keep: bool) -> None:
    """Run a healthy installation, and print the alerts that become pending or fire."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="alerts-"))
    console.print(f"{minutes:g} minutes, {rate:g} events a second, data in {folder}")
    target = ObservedStack(folder / "stack", yaml.safe_load(ALERTS.read_text()), every_s=15, audit_every_s=60)
    try:
        target.start()
        fired = _watch(target, minutes * 60, rate)
    finally:
        target.end()
    if not (keep or fired):
        shutil.rmtree(folder)
    console.print(f"fired: {', '.join(sorted(fired)) or 'none'}")
    sys.exit(1 if fired else 0)


def _watch(target: ObservedStack, seconds: float, rate: float) -> set[str]:
    """Return the alerts that fired."""
    fired: set[str] = set()
    before: dict[str, str] = {}
    begun = time.monotonic()
    with Traffic(lambda: target.client(org=ORG, timeout=12), ORG, rate) as traffic:
        while (elapsed := time.monotonic() - begun) < seconds:
            now = target.prometheus.states()
            for alert in sorted(now.keys() | before.keys()):
                if now.get(alert) != before.get(alert):
                    console.print(f"{elapsed:7.0f} s  {alert} is {now.get(alert, 'inactive again')}")
            fired |= {alert for alert, state in now.items() if state == "firing"}
            before = now
            time.sleep(min(LOOK_EVERY_S, seconds - elapsed))
    console.print(f"{traffic.accepted:,} events accepted")
    console.print(f"rules that could not be evaluated: {target.prometheus.faulty_rules() or 'none'}")
    return fired


if __name__ == "__main__":
    main()
