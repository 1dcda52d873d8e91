"""Sample data for the demo: users, projects, agents, models and texts."""

from typing import NamedTuple


class Project(NamedTuple):
    """A project, its repository and its components."""

    project_id: str
    repository_id: str
    repo: str
    components: tuple[str, ...]
    branches: tuple[str, ...]


USERS = ("alice", "bao", "chiara", "dmitri", "esther", "femi", "grace", "hiro", "ines", "jonas")
PROJECTS = (
    Project("checkout", "repo_7f21", "acme/backend", ("api", "payments"), ("main", "feat/refunds", "fix/rounding")),
    Project("storefront", "repo_0b9c", "acme/web", ("ui", "search"), ("main", "feat/dark-mode", "fix/hydration")),
    Project("ledger", "repo_55ae", "acme/ledger", ("core", "reports"), ("main", "feat/multi-currency")),
    Project("platform", "repo_c3d0", "acme/infra", ("deploy", "observability"), ("main", "chore/upgrade-kafka")),
    Project("mobile", "repo_19e4", "acme/app", ("ios", "android"), ("develop", "feat/offline")),
)
AGENTS = ("reviewer", "implementer", "test-writer", "bug-hunter", "docs", "migrator")
SUBAGENTS = ("Explore", "Plan", "general-purpose", "security:auditor")
# Each model's weight in random choices.
MODELS = {"claude-sonnet-4-5": 6, "claude-opus-4-5": 3, "claude-haiku-4-5": 2}

PROMPTS = (
    "Refunds of partially shipped orders are off by a cent. Find out why and add a test that fails first.",
    "Review the open pull request for race conditions, and propose the smallest fix for each.",
    "Move the report queries to the new read replica without a change of behaviour.",
    "The nightly build has been red since Tuesday. Find the change that broke it.",
    "Write the missing tests for the search tokenizer, including right-to-left text.",
    "Upgrade the Kafka client and tell me which settings changed their defaults.",
    "Make the settings page work without JavaScript.",
    "Why does the importer hold the whole file in memory? Stream it instead.",
    "Add an endpoint that lists overdue invoices, with paging and an index that fits.",
    "Rename `customer_ref` to `account_id` everywhere, database included, in steps that can be deployed one by one.",
)
TASKS = ("Reproduce the failure", "Write a failing test", "Fix the rounding", "Update the docs", "Check the migration")
FILES = (
    "orders/refund.py orders/totals.py api/routes/invoices.py search/tokenizer.py importer/stream.py "
    "tests/test_refund.py tests/test_tokenizer.py migrations/0042_account_id.sql web/settings/page.tsx docs/kafka.md"
).split()
COMMANDS = (
    "pytest -q tests/test_refund.py",
    "git log --oneline -20 -- orders/",
    "ruff check . && mypy orders",
    "npm run build",
    "psql -c 'EXPLAIN ANALYZE SELECT * FROM invoices WHERE due_at < now()'",
    "docker compose logs --tail=200 worker",
    "make test ARGS='-k tokenizer'",
)
ERRORS = (
    "Command failed with exit code 1: 2 failed, 41 passed in 3.21s",
    "String to replace not found in file",
    "Command timed out after 120000 ms",
    "ENOENT: no such file or directory",
)
NAMES = (
    "account amount batch branch cache cart cents chunk client column config count currency cursor customer delta "
    "draft entry export fee filter flag group hash header image index input invoice item key label limit line lock "
    "method model node offset order owner page parent partner path payment period price queue quote range rate ratio "
    "record refund region report result retry route row rule scope segment shard share status step stock sum tax term "
    "token total user value version vendor window worker"
).split()
# `{name}` is an identifier, `{n}` a number.
LINES = (
    "    {name} = sum(line.{name} for line in {name}.lines if line.shipped)",
    "def {name}(order: Order, {name}: Money) -> Refund:",
    '    """Give back {name} for what was not shipped; never more than {n}."""',
    "    if {name} > order.paid - order.{name}:",
    '        raise TooMuch(f"{name} of {n}")',
    "    return Refund(order.id, {name}.quantize(CENT), at=clock(), limit={n})",
    "tests/test_{name}.py::test_{name}_is_rounded_once FAILED",
    "E       AssertionError: assert Decimal('{n}.01') == Decimal('{n}.00')",
    "INFO  worker  consumed {n} records from partition {name} in 0.{n} s",
    "{n}:  const {name} = ({name}: Props) => useMemo(() => {name}.map(render), [{name}]);",
    "-  {name}: {n}",
    "+  {name}: {n}",
)
SENTENCES = (
    "The {name} is rounded twice, once per line and once for the sum.",
    "I added a test in {name} which fails on main and passes with the change.",
    "{n} callers depend on the old order of {name}, so I kept it and said so in the docstring.",
    "All {n} tests pass, and mypy is clean.",
    "The index on ({name}, due_at) turns the scan into a lookup: {n} ms to 3 ms.",
    "Nothing else reads {name}, so the rename is safe in two steps.",
)
