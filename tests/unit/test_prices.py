"""Prices: which one applies to a model at a time, the cost that follows, and what a file of prices may contain."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from prices.price_file import PRICED_TOKENS, BadPrices, format_prices, parse_prices
from prices.price_list import NOTICE_MS, LoadedPrice, PriceList, began_with, in_force, list_prices
from prices.shown import newest_shown, shown
from processors.fold.state import SessionState
from processors.fold.usage import take_report
from processors.projections.usage import NANO_MAX, model_totals
from schemas.log.price import Price
from schemas.log.records import MetricsReport, ModelUsage
from schemas.store.rows import ModelTotals
from tests.support.agent_facts import BASE_MS

DAY_MS = 86_400_000
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cache_creation_1h_tokens")
tokens = st.integers(0, 1 << 53)
usages = st.builds(ModelUsage, model=st.just("m"), **dict.fromkeys(TOKENS, tokens))
nanos = st.integers(0, 200) | st.integers(0, 10**15)
prices_of_m = st.builds(Price, st.just("m"), st.just(0), *[nanos] * 5)


def price(model: str = "m", from_ms: int = 0, usd: int = 1) -> Price:
    """Return a price whose rates differ from those of others."""
    return Price(model, from_ms, *[usd * 10**9] * 5)


def dollars_in(model: str, at_ms: int = BASE_MS) -> tuple[Decimal, Decimal] | None:
    """Return the first list's rates of a model: input and output."""
    found = list_prices().price_of(model, at_ms)
    return found and (Decimal(found.input_nano) / 10**9, Decimal(found.output_nano) / 10**9)


SEEDS = {
    **dict.fromkeys(("claude-3-5-haiku-20241022", "claude-haiku-3-5"), ("0.8", "4")),
    **dict.fromkeys(("claude-haiku-4-5", "claude-haiku-4-5-20251001"), ("1", "5")),
    **dict.fromkeys(("claude-sonnet-4", "claude-sonnet-4-20250514", "claude-sonnet-4-0"), ("3", "15")),
    **dict.fromkeys(("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5[1m]"), ("3", "15")),
    **dict.fromkeys(("claude-sonnet-4-6", "claude-sonnet-4-5@20250929"), ("3", "15")),
    "claude-sonnet-5": ("2", "10"),
    **dict.fromkeys(("claude-opus-4", "claude-opus-4-20250514", "claude-opus-4-1-20250805"), ("15", "75")),
    **dict.fromkeys(("claude-opus-4-5", "claude-opus-4-5-20251101", "claude-opus-4-6"), ("5", "25")),
    **dict.fromkeys(("claude-opus-4-7", "claude-opus-4-8", "claude-opus-5"), ("5", "25")),
    **dict.fromkeys(("claude-opus-4-8-fast", "claude-opus-5-fast"), ("10", "50")),
    **dict.fromkeys(("claude-fable-5", "claude-mythos-5", "claude-fable-5-1"), ("10", "50")),
    "<synthetic>": ("0", "0"),
}
TODAY_MS = 1_795_824_000_000  # 2026-11-28
# Input, output and cache read.
OF_TODAY = {
    **SEEDS,
    **dict.fromkeys(("claude-opus-5-5", "claude-opus-5-5[1m]"), ("4", "20", "0.2")),
    "claude-sonnet-5-5-20260801": ("2", "10", "0.1"),
    "claude-fable-5-1": ("10", "50", "0.25"),
    **dict.fromkeys(("gpt-5", "gpt-5-codex", "gpt-5.1-2025-11-13", "gpt-5.1-codex-max"), ("1.25", "10", "0.125")),
    **dict.fromkeys(("gpt-5-mini", "gpt-5.1-codex-mini"), ("0.25", "2", "0.025")),
    **dict.fromkeys(("gpt-5.2-codex", "gpt-5.3-codex"), ("1.75", "14", "0.175")),
    "gpt-5.5-2026-04-23": ("5", "30", "0.5"),
    "gpt-5.5-pro": ("30", "180", "30"),
    "gpt-5.6-sol": ("4", "20", "0.4"),
    "codex-mini-latest": ("1.5", "6", "0.375"),
    "o3": ("2", "8", "0.5"),
    "o4-mini-2025-04-16": ("1.1", "4.4", "0.275"),
    "gemini-2.5-pro": ("1.25", "10", "0.125"),
    "gemini-2.5-flash-preview-09-2025": ("0.3", "2.5", "0.03"),
    "gemini-2.5-flash-lite": ("0.1", "0.4", "0.01"),
    "gemini-3-pro-preview": ("2", "12", "0.2"),
    "gemini-3.1-pro-preview-customtools": ("2", "12", "0.2"),
}


@pytest.mark.parametrize("model", SEEDS)
def test_the_first_list_knows_the_models_of_the_day(model: str) -> None:
    """Input and output, in dollars per million tokens, for every spelling of the name."""
    assert dollars_in(model) == tuple(map(Decimal, SEEDS[model]))


@pytest.mark.parametrize("model", OF_TODAY)
def test_the_first_list_knows_the_models_of_today(model: str) -> None:
    """The same for newer models; reading from a cache costs a tenth of the input unless the list says otherwise."""
    found = list_prices().price_of(model, TODAY_MS)
    assert found is not None
    read = (Decimal(found.cache_read_nano) / 10**9,)

    given = tuple(map(Decimal, OF_TODAY[model]))
    assert dollars_in(model, TODAY_MS) + read == (given if len(given) == 3 else (*given, given[0] / 10))  # type: ignore[operator]  # it is there


@pytest.mark.parametrize(
    "model",
    [
        *("claude-opus-4-9", "claude-opus-45", "claude-opus", "my-claude-opus-4", "", "gpt"),
        *("claude-opus-4.9", "gpt-5.9", "gpt-5.9-codex", "gpt-50", "gemini-3.9-flash", "o30", "claude-haiku-5-5"),
    ],
)
def test_another_version_is_another_model(model: str) -> None:
    """A model without a price has an unknown cost rather than a wrong one."""
    assert dollars_in(model) is None


def test_the_first_list_prices_cache_writes_by_the_input() -> None:
    """Writing for 5 minutes costs 1.25 times the input, for an hour 2 times; reading costs no more than the input."""
    for known in list_prices().prices:
        assert known.cache_write_5m_nano * 4 == known.input_nano * 5
        assert known.cache_write_1h_nano == known.input_nano * 2
        assert known.cache_read_nano <= known.input_nano


def test_an_announced_price_begins_on_its_day() -> None:
    """The list may contain future prices."""
    day_ms = 1_798_761_600_000  # 2027-01-01

    assert dollars_in("gemini-3.8-flash", day_ms - 1) == (Decimal("0.75"), Decimal("3.75"))
    assert dollars_in("gemini-3.8-flash", day_ms) == (Decimal("1.5"), Decimal("7.5"))


def test_the_longest_name_wins_and_of_that_the_latest_in_force() -> None:
    """If the longer name is not in force yet, the shorter one applies."""
    short, old, new = price("m", 0), price("m-x", 10, 2), price("m-x", 20, 3)
    known = PriceList([new, short, old])

    assert [known.price_of("m-x-20260101", at) for at in (-1, 0, 9, 10, 19, 20, 99)] == [
        *(None, short, short, old, old, new, new)
    ]
    assert known.price_of("m", 99) == short


@given(prices_of_m, usages)
def test_a_cost_is_what_fractions_say_rounded_down_once(rates: Price, usage: ModelUsage) -> None:
    """All steps use integers; cache writes for an hour are part of the cache writes."""
    hour = min(usage.cache_creation_1h_tokens, usage.cache_creation_tokens)
    exact = Fraction(
        usage.input_tokens * rates.input_nano
        + usage.output_tokens * rates.output_nano
        + usage.cache_read_tokens * rates.cache_read_nano
        + (usage.cache_creation_tokens - hour) * rates.cache_write_5m_nano
        + hour * rates.cache_write_1h_nano,
        1_000_000,
    )

    cost = PriceList([rates]).cost_nano("m", usage, 0)

    assert type(cost) is int
    assert cost == exact // 1


@given(st.lists(st.tuples(st.sampled_from(["m", "m-x", "who"]), usages, st.none() | st.integers(0, 10**15))))
def test_the_models_of_a_session_add_up_to_its_total(reported: list[tuple[str, ModelUsage, int | None]]) -> None:
    """The sum is exact to the nano-dollar; the client's own figure is unchanged and marked as such."""
    models = tuple(
        ModelUsage(name, *(getattr(usage, kind) for kind in TOKENS), cost_nano=cost) for name, usage, cost in reported
    )
    known = PriceList([price("m"), price("m-x", usd=2)])

    totals = totals_of(MetricsReport(models), 0, known)

    costs: Counter[str] = Counter()
    for name, usage, cost in reported:
        whole = structs.replace(
            usage, cache_creation_1h_tokens=min(usage.cache_creation_1h_tokens, usage.cache_creation_tokens)
        )
        costs[name] += (known.exact_cost(name, whole, 0) or 0) if cost is None else cost * PRICED_TOKENS
    assert {total.model: total.cost_nano for total in totals} == {
        name: min(exact // PRICED_TOKENS, NANO_MAX) for name, exact in costs.items()
    }
    if len({name for name, _, _ in reported}) == len(reported):
        for total, (name, _, cost) in zip(totals, reported, strict=True):
            expected = "reported" if cost is not None else "unknown" if name == "who" else "priced"
            assert total.cost_source == expected


def test_a_report_is_priced_as_of_its_time_but_never_later_than_it_came() -> None:
    """A client's clock may be a day ahead, and a price for tomorrow may still be loaded."""
    known = PriceList([price(from_ms=0, usd=1), price(from_ms=100, usd=2)])
    usage = ModelUsage("m", input_tokens=1_000_000)

    def cost(received_at: int, reported_at: int | None) -> int:
        return totals_of(MetricsReport((usage,), reported_at), received_at, known)[0].cost_nano // 10**9

    assert [cost(99, None), cost(100, None), cost(150, 99), cost(99, 150)] == [1, 2, 1, 1]


def totals_of(report: MetricsReport, received_at: int, known: PriceList) -> list[ModelTotals]:
    """Return the totals by model of a session with this report."""
    state = SessionState(org_id="acme", session_id=UUID(int=1), log_partition=0, started_at=0, user_id="u")
    take_report(state, report, received_at)
    return model_totals(state, known)[0]


def loaded(at_ms: int, from_ms: int, usd: int) -> LoadedPrice:
    return LoadedPrice(price(from_ms=from_ms, usd=usd), at_ms * 1000)


def test_a_generation_keeps_the_prices_it_was_made_with() -> None:
    """Later prices only add, and apply from an hour after their loading; of two for one moment the last wins."""
    made = 10 * DAY_MS
    first, late, past, replaced, replacing = (
        loaded(0, 0, 1),
        loaded(made + 1, made + NOTICE_MS, 2),  # a millisecond less than an hour after its loading
        loaded(made + 1, made - DAY_MS, 3),
        loaded(made + 2, made + DAY_MS, 4),
        loaded(made + 3, made + DAY_MS, 5),
    )
    history = [replacing, first, late, past, replaced]

    assert began_with(history, made * 1000).prices == (first.price,)
    assert set(in_force(history, made * 1000).prices) == {first.price, replacing.price}
    assert set(in_force(history, (made + 5) * 1000).prices) == {
        *(first.price, late.price, past.price, replacing.price),
    }


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), st.integers(1, 9)), max_size=8), st.integers(0, 5))
def test_whatever_is_loaded_later_changes_no_cost_until_an_hour_after(
    loads: list[tuple[int, int, int]], now: int
) -> None:
    """A projector with an older list computes the same costs for all times up to its load time plus the notice."""
    history = [loaded(at * NOTICE_MS, begins * NOTICE_MS, usd) for at, begins, usd in sorted(loads)]
    then = [row for row in history if row.loaded_us <= now * NOTICE_MS * 1000]

    before, after = in_force(then, 0), in_force(history, 0)

    for at in range(now + 1):
        assert before.price_of("m", at * NOTICE_MS) == after.price_of("m", at * NOTICE_MS)


def test_a_file_says_what_it_means() -> None:
    """A file gives a day or a moment, with or without cache rates, exact to the nano-dollar."""
    text = """
        [[price]]
        model = "a"
        from = 2026-01-20
        input = 0.1
        output = 7
        [[price]]
        model = 'b "quoted" \\'
        from = 2026-01-20T12:00:00+02:00
        input = 1
        output = 1
        cache_read = 0
        cache_write_5m = 0.000001
        cache_write_1h = 3.5
        """

    a, b = parse_prices(text)

    midnight = int(datetime(2026, 1, 20, tzinfo=UTC).timestamp()) * 1000
    assert a == Price("a", midnight, 10**8, 7 * 10**9, 10**7, 125 * 10**6, 2 * 10**8)
    assert b == Price('b "quoted" \\', midnight + 10 * NOTICE_MS, 10**9, 10**9, 0, 1000, 3_500_000_000)
    assert parse_prices(format_prices([b, a])) == [a, b]


def test_the_first_list_survives_its_own_format() -> None:
    """The output of `prices show --toml` can be loaded again."""
    assert PriceList(parse_prices(format_prices(list_prices().prices))).sha256 == list_prices().sha256


@given(st.builds(Price, st.just("m"), st.integers(0, 10**13), *[st.integers(0, 10**9).map(lambda n: n * 1_000)] * 5))
def test_a_shown_price_is_the_price(known: Price) -> None:
    """Dollars and times of a response are exact; the price loaded last counts."""
    replaced = structs.replace(known, input_nano=known.input_nano + 1_000)

    assert newest_shown(map(shown, [LoadedPrice(replaced, 1), LoadedPrice(known, 2)])) == [known]


GOOD = {"model": '"a"', "from": "2026-01-20", "input": "1.0", "output": "1.0"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": '""'}, "length >= 1"),
        ({"from": '"yesterday"'}, "a date or a time"),
        ({"from": "2026-01-20T12:00:00"}, "offset"),
        ({"input": "-0.1"}, "a: input must be dollars"),
        ({"input": "nan"}, "a: input must be dollars"),
        ({"input": "1000001"}, "a: input must be dollars"),
        ({"output": "0.0000000001"}, "a: output must be dollars"),
        ({"cache_write_1h": "-1"}, "a: cache_write_1h must be dollars"),
        ({"currency": '"EUR"'}, "unknown field"),
        ({"input": None}, "missing required field"),
        ({"model": "a"}, "Invalid value"),
        ({"model": "[" * 5_000}, "recursion"),
        ({"input": "9" * 5_000}, "digits"),
        ({"input": "1e9999999999"}, "a: input must be dollars"),
    ],
)
def test_a_file_with_a_mistake_is_refused_with_its_place(change: dict[str, Any], said: str) -> None:
    """The message names the place of the mistake, and no value is guessed."""
    lines = [f"{name} = {value}" for name, value in {**GOOD, **change}.items() if value is not None]

    with pytest.raises(BadPrices, match=said):
        parse_prices("\n".join(["[[price]]", *lines]))


def test_one_price_for_a_model_and_a_moment() -> None:
    """Two prices for one moment would contradict each other."""
    entry = "\n".join(["[[price]]", *(f"{name} = {value}" for name, value in GOOD.items())])

    with pytest.raises(BadPrices, match="a has two prices from 2026-01-20 on"):
        parse_prices(f"{entry}\n{entry}")
    with pytest.raises(BadPrices):
        parse_prices("")
