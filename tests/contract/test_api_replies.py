"""Real replies against the documented schemas, strictly: a field that is not documented is a fault."""

from typing import Any

import httpx

from tests.support.oracles.openapi import Schema, faults, operations
from tests.support.rigs.installation import Installation, eventually_ok

# In the order in which a client would call them; the documented example is the body.
WRITES = ("RecordEvents", "ChangeSession", "RequestCompaction", "EndSession")
NEEDS = {"SearchSessions": {"q": "upload"}, "GetHierarchy": {"include": "tools"}}  # query parameters worth giving
NOT_HERE = {"Metrics", "GetDeadLetter"}  # no JSON; there is none, and one that is there has tests of its own
OPERATOR_WRITES = "/api/v1/operator/"  # what an operator changes has tests of its own


def test_every_reply_is_as_documented(installation: Installation, fresh_org: str) -> None:
    """The documented example of each body is accepted, and afterwards every address that can be read is."""
    document: Schema = httpx.get(f"{installation.url}/schema/openapi.json", trust_env=False).json()
    calls = {operation["operationId"]: (path, method) for path, method, operation in operations(document)}
    with (
        installation.client(org=fresh_org) as client,
        installation.client("operator", "operator", "olga") as operator,
    ):
        told = _told(client, document, calls, fresh_org)
        for name, (path, method) in calls.items():
            if method == "get" and name not in NOT_HERE:
                asker = operator if path.startswith(OPERATOR_WRITES) else client
                headers = {"X-Wait-For-Position": told["position"]}
                reply = eventually_ok(asker, "GET", path.format_map(told), params=NEEDS.get(name, {}), headers=headers)
                _check(document, path, method, reply)
        unasked = {name for name, (path, method) in calls.items() if method != "get" and OPERATOR_WRITES not in path}

    assert unasked == {"CreateSession", *WRITES}


def _told(client: httpx.Client, document: Schema, calls: dict[str, tuple[str, str]], org: str) -> dict[str, str]:
    """Write everything once; what goes into the addresses of the reads."""
    created = _write(client, document, calls["CreateSession"], {"org_id": org})
    told = {"org_id": org, "session_id": created["data"]["id"]}
    for name in WRITES:
        told["position"] = _write(client, document, calls[name], told)["meta"]["position"]
    return told


def _write(client: httpx.Client, document: Schema, call: tuple[str, str], told: dict[str, str]) -> Any:
    path, method = call
    example = document["paths"][path][method]["requestBody"]["content"]["application/json"]["example"]
    reply = eventually_ok(client, method.upper(), path.format_map(told), json=example)
    _check(document, path, method, reply)
    return reply.json()


def _check(document: Schema, path: str, method: str, reply: httpx.Response) -> None:
    documented = document["paths"][path][method]["responses"][str(reply.status_code)]
    schema = documented["content"]["application/json"]["schema"]
    assert faults(document, schema, reply.json()) == [], f"{method} {path}: {reply.text[:2000]}"
    missing = {name for name in documented["headers"] if name not in reply.headers}
    assert missing == set(), f"{method} {path}"
