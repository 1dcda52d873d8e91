"""The network policies of `deploy/kubernetes` allow the connections that the processes need, and no other."""

from collections.abc import Iterator

from tests.support.manifests import Document, Pod, of_kind, pods, selects, written

TO_KAFKA = ("provision", "ingest", "projector", "log-export")
TO_CLICKHOUSE = ("provision", "query-api", "projector", "audit")
TO_VALKEY = ("ingest", "query-api")
DNS = {("UDP", 53), ("TCP", 53)}


def policies(documents: tuple[Document, ...], pod: Pod, direction: str) -> list[Document]:
    """Return the policies that apply to a pod in one direction."""
    return [
        policy["spec"]
        for policy in of_kind(documents, "NetworkPolicy")
        if direction in policy["spec"]["policyTypes"] and selects(policy["spec"]["podSelector"], pod.labels)
    ]


def flows(documents: tuple[Document, ...]) -> Iterator[tuple[str, str, int]]:
    """Yield each connection between two pods that is allowed at both ends."""
    for source in pods(documents):
        for target in pods(documents):
            for port in target.ports.values():
                if _leaves(documents, source, target, port) and _enters(documents, source, target, port):
                    yield source.name, target.name, port


def _leaves(documents: tuple[Document, ...], source: Pod, target: Pod, port: int) -> bool:
    return any(
        any(_is_peer(peer, target) for peer in rule["to"]) and port in [allowed["port"] for allowed in rule["ports"]]
        for policy in policies(documents, source, "Egress")
        for rule in policy.get("egress", ())
    )


def _enters(documents: tuple[Document, ...], source: Pod, target: Pod, port: int) -> bool:
    return any(
        ("from" not in rule or any(_is_peer(peer, source) for peer in rule["from"]))
        and port in [target.ports[allowed["port"]] for allowed in rule["ports"]]
        for policy in policies(documents, target, "Ingress")
        for rule in policy.get("ingress", ())
    )


def _is_peer(peer: Document, pod: Pod) -> bool:
    """Return whether a rule matches this pod, which is in the policy's namespace."""
    return "podSelector" in peer and "namespaceSelector" not in peer and selects(peer["podSelector"], pod.labels)


def test_on_one_node_each_pod_reaches_what_it_needs_and_nothing_else() -> None:
    """This is the complete list."""
    assert set(flows(written("single-node"))) == {
        *((name, "kafka", 9092) for name in (*TO_KAFKA, "kafka")),
        *((name, "clickhouse", 8123) for name in TO_CLICKHOUSE),
        *((name, "valkey", 6379) for name in TO_VALKEY),
        *(("front", name, 8080) for name in ("ingest", "query-api")),
    }


def test_everything_is_refused_that_no_policy_allows() -> None:
    """In both directions, for every pod of the namespace; DNS lookups are allowed."""
    for overlay in ("single-node", "production"):
        documents = written(overlay)
        for pod in pods(documents):
            assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} in policies(documents, pod, "Ingress")
            ports = [
                {(allowed["protocol"], allowed["port"]) for allowed in rule["ports"]}
                for policy in policies(documents, pod, "Egress")
                for rule in policy.get("egress", ())
                if any("namespaceSelector" in peer for peer in rule["to"])
            ]
            assert ports == [DNS], pod.name


def test_only_the_entrance_takes_connections_from_elsewhere() -> None:
    """On one node that is the proxy; in production the Gateway connects to the two services."""
    entrances = {
        overlay: {
            (pod.name, allowed["port"])
            for pod in pods(written(overlay))
            for policy in policies(written(overlay), pod, "Ingress")
            for rule in policy.get("ingress", ())
            if "from" not in rule or any("namespaceSelector" in peer for peer in rule["from"])
            for allowed in rule["ports"]
        }
        for overlay in ("single-node", "production")
    }

    assert entrances == {
        "single-node": {("front", "http")},
        "production": {("ingest", "api"), ("query-api", "api")},
    }


def test_in_production_each_process_reaches_the_servers_that_it_needs() -> None:
    """Their ports are those of LOG_URL, STORE_URL and RATE_LIMIT_URL."""
    documents = written("production")
    reached = {
        pod.name: {
            allowed["port"]
            for policy in policies(documents, pod, "Egress")
            for rule in policy.get("egress", ())
            if any("ipBlock" in peer for peer in rule["to"])
            for allowed in rule["ports"]
        }
        for pod in pods(documents)
    }
    kafka, clickhouse, valkey = 9093, 8443, 6379

    assert reached == {
        name: {
            *({kafka} if name in TO_KAFKA else ()),
            *({clickhouse} if name in TO_CLICKHOUSE else ()),
            *({valkey} if name in TO_VALKEY else ()),
        }
        for name in reached
    }
    settings = {d["metadata"]["name"]: d["data"] for d in of_kind(documents, "ConfigMap")}
    assert settings["settings"]["LOG_URL"].count(f":{kafka}") == 3
    assert f":{valkey}/" in settings["settings"]["RATE_LIMIT_URL"]
    assert all(f":{clickhouse}/" in url for url in settings["store-urls"].values())
