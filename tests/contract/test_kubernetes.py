"""The manifests build, pass every policy, and the policies can fail."""

import asyncio
import copy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.chassis.grpc_host import door_address
from services.console.doors import Doors
from tools import check_k8s
from tools.kustomize import BuildError, build, change

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "deploy" / "k8s"
ONE_NODE = K8S / "overlays" / "one-node"
# A combination that a site may choose and no overlay of ours has.
OUTSIDE = Path(__file__).parent / "scenarios" / "outside-servers"
FOLDERS = [K8S / "base", ONE_NODE, OUTSIDE]
Objects = list[dict[str, Any]]


def test_the_manifests_pass() -> None:
    """Base and overlays: strict schema and every policy."""
    assert check_k8s.main(ROOT) == 0


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_our_builder_builds_what_kubectl_builds(folder: Path) -> None:
    """The small builder is no dialect of its own."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed; the builder is compared wherever it is")

    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, check=True)

    theirs = [item for item in yaml.safe_load_all(done.stdout) if item]
    assert by_label(build(folder)) == by_label(theirs)


def by_label(objects: Objects) -> dict[str, dict[str, Any]]:
    """Objects by kind and name: the order of a list of objects means nothing."""
    return {check_k8s.label(item): item for item in objects}


def test_the_setting_of_clients_leads_to_each_door() -> None:
    """What console and gate make of FARSIGHT_GRPC_ADDR is a Service with that port."""
    objects = by_label(build(ONE_NODE))
    setting = objects["ConfigMap/farsight"]["data"]["FARSIGHT_GRPC_ADDR"]

    for service in ("registry", "ingest", "detect", "cases", "referral", "notify"):
        host, _, port = door_address(setting, service).rpartition(":")
        ports = {each["port"] for each in objects[f"Service/{host}"]["spec"]["ports"]}
        assert int(port) in ports


def test_console_opens_a_channel_to_each_door() -> None:
    """One address is one channel; an address a service is a channel each."""

    async def addresses(setting: str) -> list[str]:
        doors = Doors(setting)
        opened = sorted(doors.channels)
        await doors.close()
        return opened

    assert asyncio.run(addresses("127.0.0.1:9")) == ["127.0.0.1:9"]
    assert asyncio.run(addresses("{service}-door:9")) == [
        f"{name}-door:9" for name in ("cases", "detect", "ingest", "notify", "referral", "registry")
    ]


def test_a_site_with_servers_elsewhere_passes() -> None:
    """Images of a site's own registry, the component for servers elsewhere, its own range."""
    objects = build(OUTSIDE)

    told = [what for check in check_k8s.BASE_CHECKS for what in check(objects, ROOT)]
    out = policy(objects, "outside-servers")["spec"]["egress"][0]["to"]
    assert told == []
    assert container(objects, "cases")["image"].startswith("registry.example/farsight/cases@sha256")
    assert container(objects, "notify-door")["image"] == "registry.example/farsight/doors:0.1.0"
    assert out == [{"ipBlock": {"cidr": "192.0.2.0/24"}}]


def test_an_unknown_form_is_refused_and_not_ignored(tmp_path: Path) -> None:
    """A field that the builder does not know would silently be missing from what is checked."""
    (tmp_path / "kustomization.yaml").write_text("kind: Kustomization\nnamePrefix: x-\n")

    with pytest.raises(BuildError, match="does not build namePrefix"):
        build(tmp_path)


def test_json_patch_does_what_rfc_6902_says() -> None:
    """The examples of RFC 6902, appendix A, that are not about errors."""
    item: dict[str, Any] = {"foo": ["bar", "baz"], "a/b": 1, "old": 2}

    change(item, {"op": "add", "path": "/foo/1", "value": "qux"})
    change(item, {"op": "add", "path": "/foo/-", "value": "end"})
    change(item, {"op": "replace", "path": "/a~1b", "value": 9})
    change(item, {"op": "remove", "path": "/old"})
    change(item, {"op": "remove", "path": "/foo/0"})

    assert item == {"foo": ["qux", "baz", "end"], "a/b": 9}


def container(objects: Objects, name: str) -> dict[str, Any]:
    """The first container of a workload."""
    found: dict[str, Any] = workload(objects, name)["spec"]["template"]["spec"]["containers"][0]
    return found


def workload(objects: Objects, name: str) -> dict[str, Any]:
    """The workload of a name."""
    return next(i for i in check_k8s.workloads(objects) if i["metadata"]["name"] == name)


def policy(objects: Objects, name: str) -> dict[str, Any]:
    """The NetworkPolicy of a name."""
    return by_label(objects)[f"NetworkPolicy/{name}"]


def misspell(objects: Objects) -> None:
    container(objects, "cases")["readynessProbe"] = {}


def run_as_root(objects: Objects) -> None:
    workload(objects, "cases")["spec"]["template"]["spec"]["securityContext"]["runAsUser"] = 0


def write_root(objects: Objects) -> None:
    container(objects, "cases")["securityContext"]["readOnlyRootFilesystem"] = False


def drop_probe(objects: Objects) -> None:
    del container(objects, "notify")["readinessProbe"]


def limit_cpu(objects: Objects) -> None:
    container(objects, "notify")["resources"]["limits"]["cpu"] = "1"


def invent_caller(objects: Objects) -> None:
    peers = policy(objects, "registry-door")["spec"]["ingress"][0]["from"]
    peers.append({"podSelector": {"matchLabels": {check_k8s.NAME: "portal"}}})


def forget_caller(objects: Objects) -> None:
    policy(objects, "cases-door")["spec"]["ingress"][0]["from"].pop()


def invent_setting(objects: Objects) -> None:
    container(objects, "cases")["env"].append({"name": "FARSIGHT_CASE_MODE", "value": "x"})


def invent_image(objects: Objects) -> None:
    container(objects, "cases")["image"] = "farsight/case"


def rename_port(objects: Objects) -> None:
    container(objects, "console")["ports"][0]["name"] = "web"


def lose_account(objects: Objects) -> None:
    objects.remove(by_label(objects)["ServiceAccount/detect"])


def invent_route(objects: Objects) -> None:
    rule = by_label(objects)["Ingress/doors"]["spec"]["rules"][0]
    rule["http"]["paths"][0]["path"] = "/farsight.cases.v1.OrderService"


def allow_all(objects: Objects) -> None:
    objects.remove(by_label(objects)["NetworkPolicy/default-deny"])


def hold_secret(objects: Objects) -> None:
    data = {"password": "aHVudGVyMg=="}
    objects.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data})


def invent_secret(objects: Objects) -> None:
    entry = container(objects, "cases")["env"][0]
    entry["valueFrom"] = {"secretKeyRef": {"name": "cases-password", "key": "x"}}


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (misspell, "readynessProbe"),
        (run_as_root, "may run as root"),
        (write_root, "readOnlyRootFilesystem"),
        (drop_probe, "no readinessProbe"),
        (limit_cpu, "CPU limit"),
        (invent_caller, "portal calls registry-door, one of which does not exist"),
        (forget_caller, "does not let console in on 50051"),
        (invent_setting, "sets FARSIGHT_CASE_MODE, which no code reads"),
        (invent_image, "no target for farsight/case"),
        (rename_port, "console has no port http"),
        (lose_account, "has no ServiceAccount"),
        (invent_route, "protos have no service farsight.cases.v1.OrderService"),
        (allow_all, "no NetworkPolicy denies everything"),
        (hold_secret, "Secret/s: a manifest may name a secret, never hold one"),
        (invent_secret, "how to make secret cases-password"),
    ],
)
def test_a_spoilt_manifest_is_named(spoil: Callable[[Objects], None], complaint: str) -> None:
    """One fault added to what passes gives its own complaint."""
    objects = copy.deepcopy(build(ONE_NODE))

    spoil(objects)

    told = [what for check in check_k8s.CHECKS for what in check(objects, ROOT)]
    assert any(complaint in what for what in told), told
