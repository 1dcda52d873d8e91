"""The shipped dashboards and alerts as files: structure, names, and references. Grafana can't run here."""

import re
from itertools import combinations, pairwise
from typing import Any

import pytest
import yaml

from tests.support import CHECKOUT
from tests.support.alerts import ALERTS, OF_DEPENDENCIES, rules_of, selectors
from tests.support.grafana import FOLDER, dashboard, panels, prometheus_text, queries, variables
from tests.support.pages import PAGES

BOARDS = ("operators", "teams")
KINDS = {"operators": "prometheus", "teams": "grafana-clickhouse-datasource"}
OPERATIONS = PAGES["docs/operations.md"]


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_has_what_grafana_requires(name: str) -> None:
    """Ids are unique, titles are there, and each query has its letter."""
    board = dashboard(name)
    ids = [panel["id"] for panel in board["panels"]]

    assert {"uid", "title", "schemaVersion", "time", "templating", "panels"} <= board.keys()
    assert "id" not in board  # Grafana assigns it; a file with an id would replace another dashboard
    assert len(set(ids)) == len(ids)
    assert [panel for panel in board["panels"] if not panel["title"]] == []
    for panel in panels(board):
        assert [target["refId"] for target in panel["targets"]] == ["A", "B", "C", "D"][: len(panel["targets"])]
    assert len({dashboard(each)["uid"] for each in BOARDS}) == len(BOARDS)


@pytest.mark.parametrize("name", BOARDS)
def test_no_panel_hides_another(name: str) -> None:
    """Panels fit the 24 columns, do not overlap, and follow their row."""

    def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
        return all(one[at] < other[at] + other[of] and other[at] < one[at] + one[of] for at, of in ("xw", "yh"))

    places = [panel["gridPos"] for panel in dashboard(name)["panels"]]

    assert [place for place in places if place["x"] < 0 or place["x"] + place["w"] > 24] == []
    assert [pair for pair in combinations(places, 2) if overlap(*pair)] == []
    assert all((one["y"], one["x"]) < (other["y"], other["x"]) for one, other in pairwise(places))


@pytest.mark.parametrize("name", BOARDS)
def test_every_query_goes_to_the_data_source_that_the_reader_chooses(name: str) -> None:
    """The data source is a variable, so that the dashboard also works if the source has another name."""
    board = dashboard(name)
    chosen = {"type": KINDS[name], "uid": "${datasource}"}
    asking = [variable for variable in variables(board).values() if variable["type"] == "query"]
    targets = [target for panel in panels(board) for target in panel["targets"]]

    assert (variables(board)["datasource"]["type"], variables(board)["datasource"]["query"]) == (
        "datasource",
        KINDS[name],
    )
    assert {str(one["datasource"]) for one in [*panels(board), *targets, *asking]} == {str(chosen)}


@pytest.mark.parametrize("name", BOARDS)
def test_every_variable_is_used_and_every_used_one_is_there(name: str) -> None:
    """A query with an unknown variable would be sent with its name in it."""
    board = dashboard(name)
    asked = [variable["query"] for variable in variables(board).values() if isinstance(variable["query"], str)]
    texts = "\n".join([*(query.text for query in queries(board)), *asked])
    used = set(re.findall(r"\$\{?([a-z]\w*)", texts))

    assert used | {"datasource"} == set(variables(board))


def test_the_provisioned_sources_are_of_the_kinds_that_the_dashboards_choose() -> None:
    """Otherwise Grafana would not find the dashboard or its source."""
    sources = yaml.safe_load((FOLDER / "provisioning" / "datasources.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((FOLDER / "provisioning" / "dashboards.yaml").read_text())["providers"]

    assert {source["type"] for source in sources} == set(KINDS.values())
    assert len({source["uid"] for source in sources}) == len(sources)
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
    named = set(re.findall(r"\$\{(\w+)\}", (FOLDER / "provisioning" / "datasources.yaml").read_text()))
    assert {name for name in named if f"`{name}`" not in OPERATIONS} == set()


def test_a_query_of_the_team_dashboard_asks_for_no_more_time_than_its_user_may_have() -> None:
    """The plugin sends its time-out plus 5 s as `max_execution_time`; the server refuses queries beyond the profile."""
    sources = yaml.safe_load((FOLDER / "provisioning" / "datasources.yaml").read_text())["datasources"]
    users = (CHECKOUT / "deploy" / "clickhouse" / "users.sql").read_text()
    profile = users.partition("CREATE SETTINGS PROFILE IF NOT EXISTS crewkit_bi SETTINGS")[2].partition(";")[0]
    (most,) = re.findall(r"max_execution_time = \d+ MAX (\d+)", profile)
    (asked,) = [one["jsonData"]["queryTimeout"] for one in sources if "queryTimeout" in one["jsonData"]]

    assert int(asked) + 5 <= int(most)


def test_the_operators_dashboard_shows_every_metric() -> None:
    """A metric that is neither on a panel nor explained in the table would be useless."""
    table = set(re.findall(r"^\| `(crewkit_\w+)` \|", OPERATIONS, re.MULTILINE))
    shown = {
        re.sub(r"_(bucket|sum|count)$", "", found.partition("{")[0])
        for query in queries(dashboard("operators"))
        for found in selectors(prometheus_text(query.text))
    }

    not_shown = {"crewkit_build_info", "crewkit_ingest_request_events", "crewkit_projector_group_generation"}
    assert table - shown == not_shown
    assert shown - table == {"up", "process_start_time_seconds"}


@pytest.mark.parametrize("rule", [*rules_of(ALERTS), *rules_of(OF_DEPENDENCIES)], ids=lambda rule: rule["alert"])
def test_every_alert_says_how_urgent_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    """The alert links to an existing row of the documentation."""
    page, anchor = rule["annotations"]["runbook_url"].split("#")

    assert rule["labels"] in ({"severity": "page"}, {"severity": "ticket"})
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    if rule["alert"].startswith("Crewkit"):
        row = f'| <a id="{anchor}"></a>`{rule["alert"]}` | {rule["labels"]["severity"]} |'
        assert anchor == re.sub(r"(?<!^)(?=[A-Z])", "-", rule["alert"]).lower()
        assert row in PAGES[page]
    else:
        assert f"### {anchor.replace('-', ' ')}" in PAGES[page].lower()


def test_the_table_names_no_alert_that_is_gone() -> None:
    """Each row has a rule."""
    lines = set(re.findall(r'^\| <a id="[a-z-]+"></a>`(\w+)` \|', OPERATIONS, re.MULTILINE))

    assert lines == {rule["alert"] for rule in rules_of(ALERTS)}


def test_alerts_on_progress_look_at_the_live_generation() -> None:
    """A generation that is being filled lags for hours, and has no readers."""
    of_progress = ("lag_", "unmoved_", "assigned_", "dead_letters")
    unaware = [
        rule["alert"]
        for rule in rules_of(ALERTS)
        if any(f"crewkit_projector_{name}" in rule["expr"] for name in of_progress)
        and "crewkit_projector_generation_live" not in rule["expr"]
    ]

    assert unaware == []
