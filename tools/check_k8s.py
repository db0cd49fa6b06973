"""Build every overlay of deploy/k8s and check each object: schema, hardening, and names that exist.

A strict schema finds misspelt fields only. The rest here are promises of the deployment: nothing
runs with more rights than it needs, a NetworkPolicy names callers that exist and both ends agree,
every setting is one the code reads, every image is a target of the Dockerfile.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import kubernetes_validate
from kubernetes_validate import utils as schemas

from tools.kustomize import BuildError, Manifest, build, containers

ROOT = Path(__file__).resolve().parent.parent
KUBERNETES = "1.37"  # the newest schema of the installed kubernetes-validate
WORKLOADS = {"Deployment", "StatefulSet", "Job"}
OURS = "farsight/"  # images that our Dockerfile builds
NAME = "app.kubernetes.io/name"
Check = Callable[[list[Manifest], Path], Iterator[str]]


def main(root: Path) -> int:
    """Check the base and each overlay; print every breach once."""
    folders = [root / "deploy/k8s/base", *sorted((root / "deploy/k8s/overlays").iterdir())]
    breaches: set[str] = set()
    # The library parses the schema file anew for every object otherwise.
    schemas.schema_contents = cache(schemas.schema_contents)
    for folder in folders:
        try:
            objects = build(folder)
        except BuildError as error:
            breaches.add(str(error))
            continue
        checks = CHECKS if folder.name != "base" else BASE_CHECKS
        breaches |= {b for check in checks for b in check(objects, root)}
        print(f"{folder.relative_to(root)}: {len(objects)} objects")
    for breach in sorted(breaches):
        print(breach)
    return 1 if breaches else 0


def check_schema(objects: list[Manifest], _root: Path) -> Iterator[str]:
    """Every object against the strict schema of its kind; an unknown kind is a breach too."""
    for item in objects:
        try:
            kubernetes_validate.validate(item, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{label(item)}: {'.'.join(map(str, error.path))}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield f"{label(item)}: {error.message}"


def check_hardening(objects: list[Manifest], _root: Path) -> Iterator[str]:
    """Pod Security `restricted` and a little more: read-only root, no account token."""
    for item in workloads(objects):
        pod = item["spec"]["template"]["spec"]
        context = pod.get("securityContext", {})
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{label(item)}: mounts an account token"
        if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
            yield f"{label(item)}: may run as root"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{label(item)}: no RuntimeDefault seccomp profile"
        for container in containers(item):
            yield from (f"{label(item)}: {what}" for what in unhardened(container))


def unhardened(container: Manifest) -> Iterator[str]:
    """What a container may do and should not."""
    context = container.get("securityContext", {})
    wanted = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}
    for key, value in wanted.items():
        if context.get(key) is not value:
            yield f"{container['name']} lacks {key}: {str(value).lower()}"
    if context.get("capabilities", {}).get("drop") != ["ALL"]:
        yield f"{container['name']} keeps capabilities"


def check_running(objects: list[Manifest], _root: Path) -> Iterator[str]:
    """Probes, memory limit with request, and no CPU limit (throttling starves the event loops)."""
    for item in workloads(objects):
        for container in containers(item):
            resources = container.get("resources", {})
            if "memory" not in resources.get("limits", {}):
                yield f"{label(item)}: no memory limit"
            if "cpu" in resources.get("limits", {}):
                yield f"{label(item)}: a CPU limit throttles; give a request only"
            if not {"cpu", "memory"} <= set(resources.get("requests", {})):
                yield f"{label(item)}: no request of CPU and memory"
            if item["kind"] != "Job":
                probes = ("startupProbe", "livenessProbe", "readinessProbe")
                yield from (f"{label(item)}: no {p}" for p in probes if p not in container)


def check_names(objects: list[Manifest], _root: Path) -> Iterator[str]:
    """One word for workload, label, account and policy; what a Service or Ingress names exists."""
    have = {(item["kind"], item["metadata"]["name"]) for item in objects}
    for item in workloads(objects):
        name, template = item["metadata"]["name"], item["spec"]["template"]
        if template["metadata"]["labels"].get(NAME) != name:
            yield f"{label(item)}: pods are labelled otherwise"
        if template["spec"].get("serviceAccountName") != name:
            yield f"{label(item)}: runs under another account"
        kinds = ["ServiceAccount", "NetworkPolicy"]
        if item["kind"] != "Job" and is_ours(item):
            kinds.append("PodDisruptionBudget")
        yield from (f"{label(item)}: has no {k}" for k in kinds if (k, name) not in have)
    for ingress in (i for i in objects if i["kind"] == "Ingress"):
        for service in backends(ingress):
            if ("Service", service) not in have:
                yield f"{label(ingress)}: Service {service} does not exist"


def backends(ingress: Manifest) -> Iterator[str]:
    """Names of the Services that an Ingress sends to."""
    for rule in ingress["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            yield path["backend"]["service"]["name"]


def check_ports(objects: list[Manifest], _root: Path) -> Iterator[str]:
    """A Service selects pods that exist and opens ports that they have."""
    ports = {item["metadata"]["name"]: named_ports(item) for item in workloads(objects)}
    for service in (i for i in objects if i["kind"] == "Service"):
        selected = service["spec"]["selector"].get(NAME)
        if selected not in ports:
            yield f"{label(service)}: selects {selected}, which does not exist"
            continue
        for port in service["spec"]["ports"]:
            if port["targetPort"] not in ports[selected]:
                yield f"{label(service)}: {selected} has no port {port['targetPort']}"


def named_ports(item: Manifest) -> dict[str, int]:
    """Name to number of a workload's ports."""
    return {p["name"]: p["containerPort"] for c in containers(item) for p in c.get("ports", [])}


def check_edges(objects: list[Manifest], _root: Path) -> Iterator[str]:
    """Who may call whom: every name exists, and caller and called say the same."""
    ports = {item["metadata"]["name"]: named_ports(item) for item in workloads(objects)}
    allowed = set(edges(objects, "ingress", ports))
    wanted = set(edges(objects, "egress", ports))
    for caller, called, port in sorted(allowed ^ wanted):
        if caller not in ports or called not in ports:
            yield f"NetworkPolicy: {caller} calls {called}, one of which does not exist"
        elif (caller, called, port) in wanted:
            yield f"NetworkPolicy/{called} does not let {caller} in on {port}"
        else:
            yield f"NetworkPolicy/{caller} does not let itself out to {called} on {port}"


def edges(
    objects: list[Manifest], side: str, ports: dict[str, dict[str, int]]
) -> Iterator[tuple[str, str, int]]:
    """(caller, called, port number) of every policy between named pods, seen from one side."""
    for policy in (i for i in objects if i["kind"] == "NetworkPolicy"):
        own = policy["spec"]["podSelector"].get("matchLabels", {}).get(NAME)
        for rule in policy["spec"].get(side, []):
            for peer in rule["from" if side == "ingress" else "to"]:
                other = peer.get("podSelector", {}).get("matchLabels", {}).get(NAME)
                if own and other:
                    caller, called = (other, own) if side == "ingress" else (own, other)
                    for port in rule["ports"]:
                        number = ports.get(called, {}).get(str(port["port"]), port["port"])
                        yield caller, called, int(number) if str(number).isdigit() else -1


def check_closed(objects: list[Manifest], _root: Path) -> Iterator[str]:
    """Nothing talks unless a policy says so, and no secret lies in a manifest."""
    policies = [item["spec"] for item in objects if item["kind"] == "NetworkPolicy"]
    denial = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    if denial not in policies:
        yield "no NetworkPolicy denies everything by default"
    for item in objects:
        if item["kind"] == "Secret":
            yield f"{label(item)}: a manifest may name a secret, never hold one"


def check_settings(objects: list[Manifest], root: Path) -> Iterator[str]:
    """Every environment name is one that our code reads, every secret one that a README makes."""
    read = source_text(root)
    readmes = "".join(p.read_text(encoding="utf-8") for p in root.glob("deploy/k8s/**/README.md"))
    for item in objects:
        names = set(item.get("data", {})) if item["kind"] == "ConfigMap" else set()
        for container in containers(item) if is_ours(item) else ():
            names |= {entry["name"] for entry in container.get("env", [])}
        for name in sorted(names):
            if f'"{name}"' not in read:
                yield f"{label(item)}: sets {name}, which no code reads"
        for secret in sorted(set(re.findall(r'"secret(?:Name)?": "([\w-]+)"', json.dumps(item)))):
            if secret not in readmes:
                yield f"{label(item)}: no README says how to make secret {secret}"
    for item in workloads(objects):
        for reference in secret_references(item):
            if reference not in readmes:
                yield f"{label(item)}: no README says how to make secret {reference}"


def secret_references(item: Manifest) -> set[str]:
    """Names of secrets that a workload takes environment values from."""
    entries = [e for c in containers(item) for e in c.get("env", [])]
    return {e["valueFrom"]["secretKeyRef"]["name"] for e in entries if "valueFrom" in e}


def source_text(root: Path) -> str:
    """All the code that may read a setting."""
    return "".join(p.read_text(encoding="utf-8") for p in sorted((root / "services").rglob("*.py")))


def check_images(objects: list[Manifest], root: Path) -> Iterator[str]:
    """Every image of ours is a target of the Dockerfile."""
    dockerfile = root / "Dockerfile"
    text = dockerfile.read_text(encoding="utf-8") if dockerfile.is_file() else ""
    targets = set(re.findall(r"^FROM .* AS ([\w-]+)$", text, re.MULTILINE))
    for item in workloads(objects):
        for container in containers(item):
            image = container["image"]
            if image.startswith(OURS) and image.removeprefix(OURS) not in targets:
                yield f"{label(item)}: the Dockerfile has no target for {image}"


def check_grpc_paths(objects: list[Manifest], root: Path) -> Iterator[str]:
    """A path of the doors' Ingress is a gRPC service of protos."""
    protos: dict[str, str] = {}
    for path in root.glob("protos/**/*.proto"):
        package = path.parent.parent.name
        protos[package] = protos.get(package, "") + path.read_text(encoding="utf-8")
    for ingress in (i for i in objects if i["kind"] == "Ingress"):
        for name in re.findall(r'"path": "/farsight\.([\w.]+)"', json.dumps(ingress)):
            package, _, service = name.partition(".v1.")
            if f"service {service} {{" not in protos.get(package, ""):
                yield f"{label(ingress)}: protos have no service farsight.{name}"


def workloads(objects: list[Manifest]) -> list[Manifest]:
    """Objects that run pods."""
    return [item for item in objects if item["kind"] in WORKLOADS]


def is_ours(item: Manifest) -> bool:
    """Whether a workload runs an image of ours."""
    return any(container["image"].startswith(OURS) for container in containers(item))


def label(item: Manifest) -> str:
    """`Kind/name` for a message."""
    return f"{item['kind']}/{item['metadata']['name']}"


BASE_CHECKS: tuple[Check, ...] = (
    check_schema,
    check_hardening,
    check_running,
    check_names,
    check_ports,
    check_closed,
    check_settings,
    check_images,
)
# The base has no servers, so who may call them can be checked in a whole overlay only.
CHECKS: tuple[Check, ...] = (*BASE_CHECKS, check_edges, check_grpc_paths)

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
