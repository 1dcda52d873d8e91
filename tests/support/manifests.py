"""The manifests of `deploy/kubernetes`: as they are written, and as Kustomize renders them."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.support import CHECKOUT

FOLDER = CHECKOUT / "deploy" / "kubernetes"
PRODUCTION = FOLDER / "overlays" / "production"
INSTALL_HINT = "kustomize is not installed: go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1, or kubectl"
_TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}

Document = Mapping[str, Any]


class Pod(NamedTuple):
    """The pods that one document creates: its kind and name, their labels and their spec."""

    kind: str
    name: str
    labels: Mapping[str, str]
    spec: Document

    @property
    def is_ours(self) -> bool:
        """Return whether it runs our image."""
        return all("crewkit-sessions:" in container["image"] for container in self.containers)

    @property
    def containers(self) -> list[Document]:
        return [*self.spec.get("initContainers", ()), *self.spec["containers"]]

    @property
    def ports(self) -> dict[str, int]:
        """Return the ports of its containers, by name."""
        return {
            port["name"]: port["containerPort"] for container in self.containers for port in container.get("ports", ())
        }

    def volume(self, name: str) -> Document:
        """Return one of its volumes."""
        (found,) = (volume for volume in self.spec["volumes"] if volume["name"] == name)
        return dict(found)


@cache
def written() -> tuple[Document, ...]:
    """Return the documents that the overlay names, and its generated ConfigMaps, without its patches."""
    return tuple(_merged(_written(PRODUCTION)))


@cache
def rendered() -> tuple[Document, ...]:
    """Return what `kubectl apply -k` would send. Skip the test if Kustomize is not installed."""
    if found := shutil.which("kustomize"):
        command = [found, "build"]
    elif found := shutil.which("kubectl"):
        command = [found, "kustomize"]
    else:
        pytest.skip(INSTALL_HINT)
    done = subprocess.run([*command, str(PRODUCTION)], capture_output=True, text=True, check=True)
    assert done.stderr == ""  # no warnings about deprecated fields
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(documents: tuple[Document, ...], *kinds: str) -> list[Document]:
    """Return the documents of these kinds."""
    return [document for document in documents if document["kind"] in kinds]


def pods(documents: tuple[Document, ...]) -> list[Pod]:
    """Return the pods of every workload."""
    found = []
    for document in of_kind(documents, *_TEMPLATES):
        template: Any = document
        for step in _TEMPLATES[document["kind"]]:
            template = template[step]
        name, labels = document["metadata"]["name"], template["metadata"]["labels"]
        found.append(Pod(document["kind"], name, labels, template["spec"]))
    return found


def environment(container: Document, documents: tuple[Document, ...]) -> dict[str, str]:
    """Return a container's environment variables, without those from Secrets."""
    data = {document["metadata"]["name"]: document["data"] for document in of_kind(documents, "ConfigMap")}
    env: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        if "configMapRef" in source:
            env |= data[source["configMapRef"]["name"]]
    for variable in container.get("env", ()):
        if "value" in variable:
            env[variable["name"]] = variable["value"]
        elif chosen := variable["valueFrom"].get("configMapKeyRef"):
            env[variable["name"]] = data[chosen["name"]][chosen["key"]]
    return env


def selects(selector: Document, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector selects a pod. Only the operator `In` is supported."""
    wanted = [(key, [value]) for key, value in selector.get("matchLabels", {}).items()]
    for expression in selector.get("matchExpressions", ()):
        assert expression["operator"] == "In", expression
        wanted.append((expression["key"], expression["values"]))
    return all(labels.get(key) in values for key, values in wanted)


def _written(folder: Path) -> Iterator[Document]:
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    for name in kustomization.get("resources", ()):
        path = (folder / name).resolve()
        yield from _written(path) if path.is_dir() else yaml.safe_load_all(path.read_text())
    for made in kustomization.get("configMapGenerator", ()):
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": made["name"], "labels": made.get("options", {}).get("labels", {})},
            "data": dict(_data(folder, made)),
        }


def _data(folder: Path, made: Document) -> Iterator[tuple[str, str]]:
    for name in made.get("envs", ()):
        for line in (folder / name).read_text().splitlines():
            if line and not line.startswith("#"):
                key, _, value = line.partition("=")
                yield key, value
    for name in made.get("files", ()):
        yield Path(name).name, (folder / name).read_text()
    for literal in made.get("literals", ()):
        key, _, value = literal.partition("=")
        yield key, value


def _merged(documents: Iterator[Document]) -> list[Document]:
    """Merge the data of ConfigMaps with the same name, as `behavior: merge` does."""
    found: dict[tuple[str, str], Any] = {}
    for document in documents:
        place = document["kind"], document["metadata"]["name"]
        if place in found:
            assert document["kind"] == "ConfigMap", place
            found[place]["data"] |= document["data"]
        else:
            found[place] = document
    return list(found.values())
