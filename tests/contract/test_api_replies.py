"""Real replies match the documented schemas strictly: an undocumented field is an error."""

from typing import Any

import httpx

from tests.support.oracles.openapi import Schema, faults, operations
from tests.support.rigs.installation import Installation, eventually_ok

# In the order in which a client would call them; the documented example is the body.
WRITES = ("RecordEvents", "ChangeSession", "RequestCompaction", "RecordHooks", "EndSession")
EXPORTS = ("ExportLogs", "ExportMetrics", "ExportTraces")  # their replies are those of OTLP, and have separate tests
NEEDS = {"SearchSessions": {"q": "upload"}, "GetHierarchy": {"include": "tools"}}  # parameters that show more
NOT_HERE = {
    "Metrics",
    "GetDeadLetter",
    "GetProof",
    "GetErasure",
    "GetErasureCertificate",
}  # not JSON, or nothing to show here: tested elsewhere
OPERATOR_WRITES = "/api/v1/operator/"  # these have separate tests
SIGN_IN = "/login/"  # of `up` alone


def test_every_reply_is_as_documented(installation: Installation, fresh_org: str) -> None:
    """The documented example of each body is accepted, and then every readable route replies as documented."""
    document: Schema = httpx.get(f"{installation.url}/schema/openapi.json", trust_env=False).json()
    calls = {operation["operationId"]: (path, method) for path, method, operation in operations(document)}
    with (
        installation.client(org=fresh_org) as client,
        installation.client("operator", "operator", "olga") as operator,
    ):
        ids = _write_all(client, document, calls, fresh_org)
        ids["work_id"] = _new_job(operator, document, calls["CreateJob"])
        for name, (path, method) in calls.items():
            if method == "get" and name not in NOT_HERE:
                caller = operator if path.startswith(OPERATOR_WRITES) else client
                headers = {"X-Wait-For-Position": ids["position"]}
                reply = eventually_ok(caller, "GET", path.format_map(ids), params=NEEDS.get(name, {}), headers=headers)
                _check(document, path, method, reply)
        unwanted = {"subject": {"kind": "session", "session_id": ids["session_id"]}, "reason": "DSR-118"}
        _erased(client, document, calls, ids, unwanted)
        if "CreateSignInCode" in calls:
            _sign_in(installation, document, calls)
        elsewhere = (OPERATOR_WRITES, SIGN_IN)
        unasked = {name for name, (path, method) in calls.items() if method != "get" and not path.startswith(elsewhere)}

    assert unasked == {"CreateSession", "RequestErasure", *WRITES, *EXPORTS}


def _write_all(client: httpx.Client, document: Schema, calls: dict[str, tuple[str, str]], org: str) -> dict[str, str]:
    """Write everything once; return the ids for the paths of the reads."""
    created = _write(client, document, calls["CreateSession"], {"org_id": org})
    ids = {"org_id": org, "session_id": created["data"]["id"], "client": "claude-code"}
    for name in WRITES:
        ids["position"] = _write(client, document, calls[name], ids)["meta"]["position"]
    return ids


def _erased(
    client: httpx.Client, document: Schema, calls: dict[str, tuple[str, str]], ids: dict[str, str], body: Any
) -> None:
    """Erase the session at last, and read how far that is."""
    erasure = _write(client, document, calls["RequestErasure"], ids, body)
    path, method = calls["GetErasure"]
    headers = {"X-Wait-For-Position": erasure["meta"]["position"]}
    found = eventually_ok(client, "GET", path.format_map({**ids, "erasure_id": erasure["data"]["id"]}), headers=headers)
    _check(document, path, method, found)


def _new_job(operator: httpx.Client, document: Schema, call: tuple[str, str]) -> str:
    path, method = call
    reply = eventually_ok(operator, method.upper(), path, json={"kind": "repair"})
    _check(document, path, method, reply)
    return str(reply.json()["data"]["id"])


def _sign_in(installation: Installation, document: Schema, calls: dict[str, tuple[str, str]]) -> None:
    """Get a code for a token, and exchange it."""
    body = {
        "token": installation.command("token", "--org", "acme", "--user", "alice", "--role", "viewer").stdout.strip()
    }
    for name in ("CreateSignInCode", "UseSignInCode"):
        path, method = calls[name]
        reply = httpx.post(f"{installation.url}{path}", json=body, trust_env=False)
        _check(document, path, method, reply)
        body = reply.json()["data"]


def _write(client: httpx.Client, document: Schema, call: tuple[str, str], ids: dict[str, str], body: Any = None) -> Any:
    path, method = call
    example = document["paths"][path][method]["requestBody"]["content"]["application/json"]["example"]
    reply = eventually_ok(client, method.upper(), path.format_map(ids), json=body or example)
    _check(document, path, method, reply)
    return reply.json()


def _check(document: Schema, path: str, method: str, reply: httpx.Response) -> None:
    documented = document["paths"][path][method]["responses"][str(reply.status_code)]
    schema = documented["content"]["application/json"]["schema"]
    assert faults(document, schema, reply.json()) == [], f"{method} {path}: {reply.text[:2000]}"
    missing = {name for name in documented["headers"] if name not in reply.headers}
    assert missing == set(), f"{method} {path}"
