"""The network policies of `deploy/kubernetes` allow the connections that the processes need, and no other."""

from tests.support.manifests import Document, Pod, of_kind, pods, selects, written

TO_KAFKA = ("provision", "ingest", "projector", "keeper", "log-export")
TO_THE_ARCHIVE = TO_KAFKA  # the log begins there
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


def test_everything_is_refused_that_no_policy_allows() -> None:
    """In both directions, for every pod of the namespace; DNS lookups are allowed, and no pod reaches another one."""
    documents = written()
    for pod in pods(documents):
        assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} in policies(documents, pod, "Ingress")
        rules = [rule for policy in policies(documents, pod, "Egress") for rule in policy.get("egress", ())]
        inside = [rule for rule in rules if any("ipBlock" not in peer for peer in rule["to"])]
        ports = [{(allowed["protocol"], allowed["port"]) for allowed in rule["ports"]} for rule in inside]
        assert ports == [DNS], pod.name


def test_only_the_http_services_take_connections() -> None:
    """The Gateway connects to the two services."""
    documents = written()
    entrances = {
        (pod.name, allowed["port"])
        for pod in pods(documents)
        for policy in policies(documents, pod, "Ingress")
        for rule in policy.get("ingress", ())
        for allowed in rule["ports"]
    }

    assert entrances == {("ingest", "api"), ("query-api", "api")}


def test_each_process_reaches_the_servers_that_it_needs() -> None:
    """Their ports are those of LOG_URL, STORE_URL and RATE_LIMIT_URL, and that of https for ARCHIVE_URL."""
    documents = written()
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
    kafka, clickhouse, valkey, archive = 9093, 8443, 6379, 443

    assert reached == {
        name: {
            *({kafka} if name in TO_KAFKA else ()),
            *({clickhouse} if name in TO_CLICKHOUSE else ()),
            *({valkey} if name in TO_VALKEY else ()),
            *({archive} if name in TO_THE_ARCHIVE else ()),
        }
        for name in reached
    }
    settings = {d["metadata"]["name"]: d["data"] for d in of_kind(documents, "ConfigMap")}
    assert settings["settings"]["LOG_URL"].count(f":{kafka}") == 3
    assert f":{valkey}/" in settings["settings"]["RATE_LIMIT_URL"]
    assert all(f":{clickhouse}/" in url for url in settings["store-urls"].values())
