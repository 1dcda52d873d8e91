"""The manifests of `deploy/kubernetes`: they are valid, and provide what the processes need.

Each test checks the files as written, and the output of Kustomize where it is installed.
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

import click
import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import utils as validator

from cli.main import crewkit_sessions
from ingest.log.archive.bucket import Bucket
from runtime.services.http_server import HTTP_DRAIN_S
from runtime.settings.log_reader import archive_place
from runtime.settings.log_url import KafkaAddress, parse_log_url
from runtime.settings.settings import Settings, load_settings
from runtime.settings.store_url import parse_store_url
from tests.support import CHECKOUT
from tests.support.manifests import (
    FOLDER,
    Document,
    Pod,
    environment,
    of_kind,
    pods,
    rendered,
    selects,
    written,
)

OLDEST, NEWEST = "1.30", "1.37"  # of Kubernetes; the README names the oldest
NO_SCHEMA = {"HTTPRoute"}  # a CRD; tests/unit/test_kubernetes_routes.py checks it
ADMIN, API = 9090, 8080
OF_THE_BUCKET = {"aws_region"}  # read by the client of the object store; credentials are not among them
USERS = {"provision": "provision", "processors": "projector", "query-api": "query", "audit": "query"}
Documents = tuple[Document, ...]
SOURCES: dict[str, Callable[[], Documents]] = {"as written": written, "rendered": rendered}


@pytest.fixture(scope="module", autouse=True)
def schemas_read_once() -> Iterator[None]:
    """Let the validator read each schema once, instead of once per document."""
    with patch.object(validator, "schema_contents", cache(validator.schema_contents)):
        yield


@pytest.fixture(params=SOURCES)
def documents(request: pytest.FixtureRequest) -> Documents:
    """Return the documents of the overlay."""
    return SOURCES[request.param]()


def ours(documents: Documents) -> list[Pod]:
    """Return the pods with our image."""
    found = [pod for pod in pods(documents) if pod.is_ours]
    names = {"provision", "ingest", "query-api", "projector", "audit", "keeper", "log-export"}
    assert {pod.name for pod in found} == names
    return found


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_document_is_valid(documents: Documents, version: str) -> None:
    """Validation is strict: the cluster would ignore a misspelt field."""
    for document in documents:
        if document["kind"] not in NO_SCHEMA:
            kubernetes_validate.validate(document, f"{version}.0", strict=True)


def test_the_component_for_prometheus_reads_every_admin_port() -> None:
    """Its kind is a CRD without a schema here, so its structure is compared with the pods."""
    (monitor,) = yaml.safe_load_all((FOLDER / "components" / "monitoring" / "pod-monitor.yaml").read_text())
    (policy,) = yaml.safe_load_all((FOLDER / "components" / "monitoring" / "network-policy.yaml").read_text())
    serving = [pod for pod in pods(written()) if "admin" in pod.ports]

    assert (monitor["apiVersion"], monitor["kind"]) == ("monitoring.coreos.com/v1", "PodMonitor")
    assert set(monitor["spec"]) == {"selector", "podTargetLabels", "podMetricsEndpoints"}
    assert [(end["port"], end["path"]) for end in monitor["spec"]["podMetricsEndpoints"]] == [("admin", "/metrics")]
    assert {pod.name for pod in serving} == {"ingest", "query-api", "projector", "audit", "keeper"}
    assert all(selects(monitor["spec"]["selector"], pod.labels) for pod in serving)
    kubernetes_validate.validate(policy, f"{NEWEST}.0", strict=True)
    assert policy["spec"]["podSelector"] == monitor["spec"]["selector"]


def test_no_pod_may_do_more_than_it_needs(documents: Documents) -> None:
    """No root, no capability, no writable image, no token for the API of Kubernetes, no variables of other Services."""
    for pod in pods(documents):
        assert pod.spec["automountServiceAccountToken"] is False, pod.name
        assert pod.spec["enableServiceLinks"] is False, pod.name
        assert pod.spec["securityContext"]["runAsNonRoot"] is True, pod.name
        assert pod.spec["securityContext"]["runAsUser"] > 0, pod.name
        assert pod.spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, pod.name
        for container in pod.containers:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, pod.name


def test_only_the_keeper_has_the_account_that_may_write_the_archive(documents: Documents) -> None:
    """A cloud gives its rights to service accounts; none of them may use the API of Kubernetes."""
    accounts = of_kind(documents, "ServiceAccount")

    assert {account["metadata"]["name"] for account in accounts} == {"crewkit-sessions", "crewkit-keeper"}
    assert not any(account["automountServiceAccountToken"] for account in accounts)
    for pod in pods(documents):
        wanted = "crewkit-keeper" if pod.name == "keeper" else "crewkit-sessions"
        assert pod.spec["serviceAccountName"] == wanted, pod.name


def test_our_pods_run_as_the_account_of_the_image(documents: Documents) -> None:
    """Its group owns the volumes, so it can read the secrets and write data."""
    for pod in ours(documents):
        context = pod.spec["securityContext"]
        assert [context[name] for name in ("runAsUser", "runAsGroup", "fsGroup")] == [10001] * 3, pod.name


def test_the_cluster_itself_refuses_other_pods(documents: Documents) -> None:
    """Pod security admission is set on the namespace."""
    (namespace,) = of_kind(documents, "Namespace")

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_volume_in_memory_or_on_the_node_has_a_limit(documents: Documents) -> None:
    """A process that writes too much is evicted before it fills the node's disk."""
    volumes = [volume for pod in pods(documents) for volume in pod.spec.get("volumes", ())]

    assert [volume for volume in volumes if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]] == []


def test_images_have_a_version(documents: Documents) -> None:
    """Ours is this version."""
    images = {container["image"] for pod in pods(documents) for container in pod.containers}
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]

    assert [image for image in images if not re.search(r":[0-9][\w.-]*(?:@sha256:[0-9a-f]{64})?$", image)] == []
    assert {image.partition(":")[2] for image in images if "crewkit-sessions:" in image} == {version}


def test_every_container_asks_for_what_it_needs(documents: Documents) -> None:
    """Memory is limited; processor time is not, since throttling would delay requests."""
    for pod in pods(documents):
        for container in pod.containers:
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}, pod.name
            assert set(container["resources"]["limits"]) == {"memory"}, pod.name


def test_arguments_are_a_command_and_its_options(documents: Documents) -> None:
    """The command line itself parses them; nothing runs."""
    for pod in ours(documents):
        (container,) = pod.containers
        command: click.Command = crewkit_sessions
        words, context = list(container["args"]), click.Context(crewkit_sessions)
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        command.make_context(pod.name, words, parent=context)


def test_variables_are_settings(documents: Documents) -> None:
    """Each name is a setting, the values are accepted, and the addresses can be parsed."""
    for pod in ours(documents):
        (container,) = pod.containers
        env = environment(container, documents)
        settings = load_settings({}, env)
        assert {name.lower() for name in env} - set(Settings.__struct_fields__) == OF_THE_BUCKET, pod.name
        assert isinstance(archive_place(settings), Bucket), pod.name
        assert isinstance(parse_log_url(settings.log), KafkaAddress), pod.name
        assert (settings.host, settings.port) == ("0.0.0.0", API), pod.name  # noqa: S104  # a pod has its own address
        if container["args"][0] in USERS:
            assert parse_store_url(settings.store_url).options["host"].startswith("clickhouse"), pod.name


def test_each_process_has_its_own_user_of_the_store(documents: Documents) -> None:
    """The user's password is in a file; `ingest` and the export have none."""
    for pod in ours(documents):
        (container,) = pod.containers
        env = environment(container, documents)
        if user := USERS.get(container["args"][0]):
            assert urlsplit(env["STORE_URL"]).netloc.startswith(f"crewkit_{user}@"), pod.name
            assert pod.volume("store")["secret"]["items"] == [{"key": user, "path": "password"}], pod.name
        else:
            assert {"STORE_URL", "STORE_PASSWORD_FILE"} & set(env) == set(), pod.name


def test_every_file_that_a_setting_names_is_mounted() -> None:
    """Except for the Kafka settings of a process that never connects to Kafka."""
    documents = rendered()
    for pod in ours(documents):
        (container,) = pod.containers
        env = environment(container, documents)
        mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
        needed = {name: value for name, value in env.items() if name.endswith("_FILE") and _is_used(name, pod)}
        assert [name for name, path in needed.items() if str(Path(path).parent) not in mounts] == [], pod.name
        has_keys = pod.name not in ("projector", "audit", "keeper")
        assert (env["SECRETS"] in mounts) == has_keys, pod.name  # the less a process can read, the better


def _is_used(setting: str, pod: Pod) -> bool:
    if setting.startswith("KAFKA"):
        return "reaches-kafka" in pod.labels
    if setting.startswith("STORE"):
        return "reaches-clickhouse" in pod.labels
    return "reaches-valkey" in pod.labels  # tokens and limits are for the HTTP services


def test_each_process_has_its_own_user_of_kafka() -> None:
    """Each user has rights in docs/security.md, and no pod mounts the password of another one."""
    documents, page = rendered(), (CHECKOUT / "docs" / "security.md").read_text()
    for pod in ours(documents):
        user = environment(pod.containers[0], documents).get("KAFKA_USER", "")
        if "reaches-kafka" in pod.labels:
            assert user == f"crewkit-{'projector' if pod.name == 'log-export' else pod.name}"
            assert f"--allow-principal User:{user} " in page
            key = user.removeprefix("crewkit-")
            assert pod.volume("kafka")["secret"]["items"] == [{"key": key, "path": "password"}], pod.name
        else:
            assert not user, pod.name


def test_secrets_are_readable_by_the_process_alone(documents: Documents) -> None:
    """`runtime.settings.private_files` refuses a volume's default mode, 0644."""
    secrets = [volume["secret"] for pod in pods(documents) for volume in pod.spec["volumes"] if "secret" in volume]

    assert secrets
    assert [secret for secret in secrets if secret["defaultMode"] != 0o400] == []


def test_the_data_folder_is_below_its_volume(documents: Documents) -> None:
    """The volume belongs to root, and a process refuses a data folder of another account."""
    for pod in ours(documents):
        (container,) = pod.containers
        (data,) = (mount for mount in container["volumeMounts"] if mount["name"] == "data")
        folder = Path(environment(container, documents)["DATA"])
        assert Path(data["mountPath"]) in folder.parents, pod.name
        assert "readOnly" not in data, pod.name


def test_processes_that_serve_are_probed_at_their_admin_port(documents: Documents) -> None:
    """This holds for all three probes; liveness ignores Kafka and ClickHouse, so an outage restarts nothing."""
    for pod in ours(documents):
        (container,) = pod.containers
        if pod.kind in ("Job", "CronJob"):
            continue
        env = environment(container, documents)
        paths = {f"{name}Probe": path for name, path in PROBES.items()}
        assert pod.ports["admin"] == ADMIN, pod.name
        assert {env["ADMIN_PORT"], env["METRICS_PORT"]} == {str(ADMIN)}, pod.name
        assert {name: container[name]["httpGet"] for name in paths} == {
            name: {"path": path, "port": "admin"} for name, path in paths.items()
        }, pod.name
        assert container["livenessProbe"]["timeoutSeconds"] >= 5, pod.name


PROBES = {"startup": "/livez", "readiness": "/readyz", "liveness": "/livez"}


def test_http_services_end_after_the_proxies_know(documents: Documents) -> None:
    """The pause and the requests in progress fit into the grace period, and no pod ends before another is ready."""
    for deployment in of_kind(documents, "Deployment"):
        if deployment["metadata"]["name"] not in ("ingest", "query-api"):
            continue
        (pod,) = (pod for pod in pods(documents) if pod.name == deployment["metadata"]["name"])
        pause = pod.containers[0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pause >= 5
        assert pause + HTTP_DRAIN_S < pod.spec["terminationGracePeriodSeconds"]
        assert deployment["spec"]["strategy"] == {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_projectors_have_stable_host_names(documents: Documents) -> None:
    """They form the static membership. A Deployment would use new names, and partitions would wait."""
    projecting = [pod for pod in ours(documents) if pod.containers[0]["args"][0] == "processors"]
    (stateful,) = (d for d in of_kind(documents, "StatefulSet") if d["metadata"]["name"] == "projector")
    (service,) = (d for d in of_kind(documents, "Service") if d["metadata"]["name"] == "projector")

    assert [pod.kind for pod in projecting] == ["StatefulSet"]
    assert stateful["spec"]["serviceName"] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    assert stateful["spec"]["podManagementPolicy"] == "Parallel"
    assert stateful["spec"].get("updateStrategy", {"type": "RollingUpdate"}) == {"type": "RollingUpdate"}
    assert "restartPolicy" not in projecting[0].spec  # always, also after exit code 70


@pytest.mark.parametrize("name", ["audit", "keeper"])
def test_only_one_of_these_runs(documents: Documents, name: str) -> None:
    """N audits would run every check N times, and a second keeper would be refused."""
    (found,) = (d for d in of_kind(documents, "Deployment") if d["metadata"]["name"] == name)

    assert (found["spec"]["replicas"], found["spec"]["strategy"]) == (1, {"type": "Recreate"})


def test_query_api_leaves_audits_to_the_deployment(documents: Documents) -> None:
    """Otherwise each replica would audit, too."""
    (query,) = (pod for pod in ours(documents) if pod.name == "query-api")

    assert load_settings({}, environment(query.containers[0], documents)).audit_every_s == 0


def test_the_export_is_written_to_a_volume_that_stays(documents: Documents) -> None:
    """It uses a folder in the volume, since the volume belongs to root."""
    (export,) = (pod for pod in ours(documents) if pod.name == "log-export")
    (container,) = export.containers
    (mount,) = (mount for mount in container["volumeMounts"] if mount["name"] == "export")
    claim = export.volume("export")["persistentVolumeClaim"]["claimName"]

    assert Path(mount["mountPath"]) in Path(container["args"][-1]).parents
    assert claim in {d["metadata"]["name"] for d in of_kind(documents, "PersistentVolumeClaim")}


def test_services_budgets_and_scalers_select_something(documents: Documents) -> None:
    """A selector with a typo would be valid, and select nothing."""
    labels = {pod.name: pod.labels for pod in pods(documents)}
    for service in of_kind(documents, "Service"):
        (pod,) = (pod for pod in pods(documents) if selects({"matchLabels": service["spec"]["selector"]}, pod.labels))
        for port in service["spec"].get("ports", ()):
            assert pod.ports[port["targetPort"]] == port["port"], service
            assert port["targetPort"] != "admin", service
    for budget in of_kind(documents, "PodDisruptionBudget"):
        selected = [name for name, found in labels.items() if selects(budget["spec"]["selector"], found)]
        assert selected == [budget["metadata"]["name"]]
        assert budget["spec"]["maxUnavailable"] == 1
    for scaler in of_kind(documents, "HorizontalPodAutoscaler"):
        name, kind = scaler["spec"]["scaleTargetRef"]["name"], scaler["spec"]["scaleTargetRef"]["kind"]
        (target,) = (d for d in of_kind(documents, kind) if d["metadata"]["name"] == name)
        assert "replicas" not in target["spec"], name  # each apply would reset the scaler's value
    for workload in of_kind(documents, "Deployment", "StatefulSet"):
        assert selects(workload["spec"]["selector"], labels[workload["metadata"]["name"]])


def test_services_that_take_traffic_have_a_budget(documents: Documents) -> None:
    """So do projectors, whose partitions wait while they are down."""
    budgets = {budget["metadata"]["name"] for budget in of_kind(documents, "PodDisruptionBudget")}

    assert budgets == {"ingest", "query-api", "projector"}


def test_nothing_refers_to_what_is_not_there(documents: Documents) -> None:
    """Except for the operator's ConfigMaps: the README says how to create them."""
    made = {document["metadata"]["name"] for document in of_kind(documents, "ConfigMap")}
    named = {
        volume["configMap"]["name"]
        for pod in pods(documents)
        for volume in pod.spec["volumes"]
        if "configMap" in volume
    }

    assert named - made <= {"authorities", "jwks"}
    assert of_kind(documents, "Secret") == []  # a secret in a repository would not be secret


def test_provision_can_be_applied_before_the_rest(documents: Documents) -> None:
    """The labels that the README uses for an upgrade select everything that the Job reads, and start nothing else."""
    chosen = [d for d in documents if d["metadata"].get("labels", {}).get("app.kubernetes.io/name") in FIRST]
    (job,) = (pod for pod in ours(documents) if pod.name == "provision")
    (container,) = job.containers
    read = {source["configMapRef"]["name"] for source in container["envFrom"]}
    read |= {env["valueFrom"]["configMapKeyRef"]["name"] for env in container["env"] if "valueFrom" in env}

    assert f"'app.kubernetes.io/name in ({', '.join(FIRST)})'" in (FOLDER / "README.md").read_text()
    assert {d["metadata"]["name"] for d in chosen} == {"provision"} | read


FIRST = ("settings", "provision")


def test_production_has_several_of_everything() -> None:
    """The cluster survives the loss of a node and of a zone."""
    documents = rendered()
    (projector,) = (d for d in of_kind(documents, "StatefulSet") if d["metadata"]["name"] == "projector")

    assert projector["spec"]["replicas"] == 3
    assert {d["spec"]["minReplicas"] for d in of_kind(documents, "HorizontalPodAutoscaler")} == {3}
    for pod in ours(documents):
        if pod.name in ("ingest", "query-api", "projector"):
            spread = {c["topologyKey"]: c["whenUnsatisfiable"] for c in pod.spec["topologySpreadConstraints"]}
            assert spread == {
                "kubernetes.io/hostname": "ScheduleAnyway",
                "topology.kubernetes.io/zone": "DoNotSchedule",
            }, pod.name


def test_provision_decides_how_many_copies_the_log_has() -> None:
    """It refuses fewer than three."""
    (provision,) = (pod for pod in ours(rendered()) if pod.name == "provision")

    assert "--replication" not in provision.containers[0]["args"]
