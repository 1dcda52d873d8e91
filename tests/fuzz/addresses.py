"""Addresses: paths in every spelling, methods, headers, and every read with hostile parameters."""

import random
from urllib.parse import quote

from tests.fuzz.attack_setup import ATTACKERS, DEAD_LETTER, AttackSetup
from tests.fuzz.bodies import JSON
from tests.fuzz.case import Case, request
from tests.fuzz.hostile import IDS, STRINGS, TIMES

METHODS = ("GET", "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "POST", "TRACE", "get", "PROPFIND", "X" * 40)
ROOTS = (
    "livez",
    "readyz",
    "metrics",
    "schema",
    "schema/openapi.json",
    "schema/assets/x.js",
    "sessions",
    "static/x/style/base.css",
    "",
    "api",
    "api/v1",
    "favicon.ico",
)
SESSION_READS = ("", "/events", "/hierarchy", "/analysis", "/compactions")
ORG_READS = (
    *("sessions", "sessions/filters", "sessions/threads", "sessions/search", "ops/receipts/0:1"),
    *(
        f"sessions/analytics/{name}"
        for name in ("summary", "timeseries", "by-agent", "by-tool", "cost-breakdown", "by-user", "team-overview")
    ),
)
OPERATOR_READS = (
    "freshness",
    "coverage",
    "dead-letters",
    f"dead-letters/{DEAD_LETTER}",
    "dead-letters/0:99999999999999999999",
)
PARAMETERS = {
    **dict.fromkeys(("page", "per_page"), ("1", "0", "-1", "100", "101", "1e3", "1" * 400, "9223372036854775808", "١")),
    **dict.fromkeys(("project_id", "repo", "agent_name", "user_id", "model", "external_id"), STRINGS),
    **dict.fromkeys(("event_type", "tool_name", "agent_id"), STRINGS),
    **dict.fromkeys(("started_after", "started_before", "after", "before"), TIMES),
    **dict.fromkeys(
        ("start_date", "end_date"),
        ("2026-01-01", "0001-01-01", "9999-12-31", "1969-12-31", "2105-12-31", "2026-02-30", "20260101", "1"),
    ),
    **dict.fromkeys(("run_id", "thread_id"), IDS),
    "q": (*STRINGS, "a b " * 60, '"' * 50, '"a" "b', "a*", "login AND", "ä" * 200, "\u0301"),
    "sort": (
        "-started_at",
        "started_at",
        "-cost_usd",
        "-tokens",
        "x",
        "started_at,-tokens",
        "-" * 50,
        "started_at; DROP TABLE x",
    ),
    "status": ("active", "ended", "Active", ""),
    "outcome": ("success", "none", ""),
    "trigger": ("scheduled", "x"),
    "interval": ("hour", "day", "week", "minute"),
    "metric": ("cost", "tokens", "users", "x"),
    "cursor": ("", "x", "A" * 5_000, "eyJhIjoxfQ==", "../..", "0:1"),
    "include": ("tools", "x", "tools,tools"),
    "current_user_only": ("true", "false", "1", "yes"),
    **dict.fromkeys(("nope", "org_id", "__class__", ""), ("1", "")),
}
RECOUNT_S = 60.0
WAIT_S = 12.0  # a read may wait 10 s for a position, one of an operator 8 s for its turn
OF_LISTS = (
    *("project_id", "repo", "agent_name", "user_id", "model", "external_id", "started_after", "started_before"),
    *("run_id", "thread_id", "status", "outcome", "trigger", "current_user_only", "page", "per_page"),
)
OF_DAYS = ("start_date", "end_date", "project_id", "agent_name", "repo", "user_id")
PARAMETERS_OF = {  # the first entry whose key occurs in the path
    "search": ("q", "q", *OF_LISTS),
    "threads": OF_LISTS,
    "filters": ("nope",),
    "timeseries": ("interval", "metric", "model", *OF_DAYS),
    "by-user": ("page", "per_page", *OF_DAYS),
    "analytics": OF_DAYS,
    "/events": ("event_type", "tool_name", "agent_id", "after", "before", "per_page", "cursor"),
    "hierarchy": ("include",),
    f"{ATTACKERS}/sessions": ("sort", *OF_LISTS),
}
HEADERS: dict[str, tuple[str | bytes, ...]] = {
    "X-Request-Id": ("ok-1", "", "a" * 64, "a" * 65, "a b", "é", b"\xff", "a" * 5_000, "'; --"),
    "X-Wait-For-Position": (
        "0:0",
        "0:-1",
        "x",
        "1:0",
        "0:0," * 300,
        "0:1e9",
        "0:" + "9" * 400,
        "",
        ",",
        "0:0;1:1",
        "-1:0",
    ),
    "If-None-Match": ("*", 'W/"x"', '"', 'W/"' + "a" * 3_000, ", ".join(['"a"'] * 200), b"\xff"),
    "Accept": ("text/html", "*/*;q=" + "9" * 300, "application/xml", ""),
    "Accept-Encoding": ("gzip", "br;q=1e400", "identity;q=0, *;q=0"),
    "Range": ("bytes=0-1", "bytes=-1"),
    "X-HTTP-Method-Override": ("DELETE", "POST"),
    "X-Forwarded-Host": ("evil.example",),
    "X-Original-URL": ("/api/v1/operator/coverage",),
    "Origin": ("http://evil.example", "null"),
    "Access-Control-Request-Method": ("PATCH",),
    "Cookie": ("a=b; " * 500,),
    "Content-Type": ("application/json", "text/plain"),
    "Last-Event-ID": ("1",),
}


def paths(chance: random.Random, setup: AttackSetup) -> Case:
    """Make a request to a path of ours in another spelling, or to an unknown path, by any method."""
    headers = {"Authorization": f"Bearer {setup.token()}"} if chance.random() < 0.8 else {}
    method = chance.choice(METHODS)
    target = _respelled(chance, "/" + chance.choice((*ROOTS, *(_read(chance, setup) for _ in range(3)))))
    body = b"{}" if method in ("PUT", "PATCH", "POST") else None
    return Case("path", request(method, target, headers | (JSON if body else {}), body))


def queries(chance: random.Random, setup: AttackSetup) -> Case:
    """Make a read with parameters that may be invalid or belong to another route."""
    path = _read(chance, setup)
    accepted = next((names for word, names in PARAMETERS_OF.items() if word in path), ("nope",))
    names = chance.choices(accepted, k=chance.choice((1, 1, 2, 3)))
    if chance.random() < 0.15:
        names.append(chance.choice(list(PARAMETERS)))
    target = f"/{path}?" + "&".join(_parameter(chance, name) for name in names)
    if chance.random() < 0.02:
        target += "&" + "&".join(f"a{n}=1" for n in range(1_500))
    role = chance.choice(("admin", "manager", "member", "viewer"))
    return Case("query", request("GET", target, {"Authorization": f"Bearer {setup.token(role)}"}))


def reads(chance: random.Random, setup: AttackSetup) -> Case:
    """Make a valid read with headers that may be invalid."""
    names = chance.sample(list(HEADERS), k=chance.choice((0, 1, 1, 2, 4)))
    odd = {name: chance.choice(HEADERS[name]) for name in names}
    is_operator = chance.random() < 0.1
    target = f"/api/v1/operator/{chance.choice(OPERATOR_READS)}" if is_operator else "/" + _read(chance, setup)
    token = setup.operator if is_operator else setup.token()
    late_s = WAIT_S if is_operator or "X-Wait-For-Position" in odd else 0.0
    return Case("read", request("GET", target, {"Authorization": f"Bearer {token}", **odd}), late_s=late_s)


def recounts(chance: random.Random, setup: AttackSetup) -> Case:
    """Make a recount, which reads everything, of the org or of all orgs."""
    query = f"?{_parameter(chance, 'start_date')}" if chance.random() < 0.5 else ""
    return _recount(chance, setup, query)


def recounts_at_once(chance: random.Random, setup: AttackSetup) -> Case:
    """Make eight recounts that run at the same time."""
    return _recount(chance, setup, "")._replace(name="8 recounts at once", copies=8)


def _recount(chance: random.Random, setup: AttackSetup, query: str) -> Case:
    path, token = chance.choice(((f"{ATTACKERS}/ops", setup.token()), ("operator", setup.operator)))
    raw = request("GET", f"/api/v1/{path}/recount{query}", {"Authorization": f"Bearer {token}"})
    return Case("recount", raw, late_s=RECOUNT_S)


def _read(chance: random.Random, setup: AttackSetup) -> str:
    if chance.random() < 0.5:
        return f"api/v1/{ATTACKERS}/{chance.choice(ORG_READS)}"
    session = chance.choice(setup.sessions) if chance.random() < 0.9 else quote(chance.choice(IDS), safe="")
    return f"api/v1/{ATTACKERS}/sessions/{session}{chance.choice(SESSION_READS)}"


def _parameter(chance: random.Random, name: str) -> str:
    value = chance.choice(PARAMETERS[name])
    spelt = quote(value.encode("utf-8", "surrogatepass"), safe="") if chance.random() < 0.9 else _as_it_is(value)
    return f"{name}={spelt}"


def _as_it_is(value: str) -> str:
    """Percent-encode only what would end the request line."""
    return "".join(char if "!" <= char <= "~" and char != "#" else "+" for char in value)


def _respelled(chance: random.Random, path: str) -> str:
    """Spell the path in another way that looks the same."""
    parts = path.split("/")
    place = chance.randrange(len(parts))
    part = parts[place]
    parts[place] = chance.choice(
        (
            *(
                part,
                part,
                f"{part}/",
                f"/{part}",
                f"./{part}",
                f"x/../{part}",
                part.upper(),
                f"{part};a=b",
                f"{part}%00",
            ),
            *(
                "".join(f"%{ord(char):02x}" for char in part),
                quote(quote(part, safe="")),
                f"{part}%2f",
                f"{part}%5c..",
            ),
            *(
                "..",
                "%2e%2e",
                "%c0%ae",
                "%ff",
                "%",
                "%zz",
                "%u002e",
                "\\",
                part + "%0d%0aX-A:b",
                part * 60,
                f"{part}?",
                f"{part}%3f",
            ),
        )
    )
    return "/" + "/".join(parts).removeprefix("/") if chance.random() < 0.9 else "/".join(parts) or "/"
