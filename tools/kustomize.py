"""Build a kustomization offline: the few forms that deploy/k8s uses, and an error for any other.

`kubectl` and `kustomize` come from no package registry, so `make check` brings its own builder.
tests/contract compares the result with `kubectl kustomize` wherever that program is installed.
"""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

KINDS = {"Kustomization", "Component"}
KNOWN = {"apiVersion", "kind", "resources", "components", "namespace", "patches", "images"}
CLUSTER_WIDE = {"Namespace", "ClusterRole", "ClusterRoleBinding", "PersistentVolume"}

# An object of the cluster as plain data: what YAML holds has no narrower type.
Manifest = dict[str, Any]


class BuildError(Exception):
    """A kustomization that this builder does not understand, or that is wrong."""


def build(folder: Path) -> list[Manifest]:
    """Every object that `kubectl kustomize FOLDER` would print, in the order of the files."""
    recipe = load_recipe(folder)
    objects = [item for name in recipe.get("resources", []) for item in load(folder / name)]
    for name in recipe.get("components", []):
        component = load_recipe(folder / name)
        objects += [i for r in component.get("resources", []) for i in load(folder / name / r)]
        apply_recipe(component, objects)
    apply_recipe(recipe, objects)
    return objects


def load_recipe(folder: Path) -> Manifest:
    """Read kustomization.yaml and refuse what would be ignored in silence."""
    path = folder / "kustomization.yaml"
    if not path.is_file():
        raise BuildError(f"{path} is missing")
    recipe: Manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    if unknown := set(recipe) - KNOWN:
        raise BuildError(f"{path}: tools/kustomize.py does not build {', '.join(sorted(unknown))}")
    if recipe.get("kind") not in KINDS:
        raise BuildError(f"{path}: kind must be Kustomization or Component")
    return recipe


def load(path: Path) -> list[Manifest]:
    """Objects of a manifest file or of another kustomization."""
    if path.is_dir():
        return build(path)
    if not path.is_file():
        raise BuildError(f"{path} is named as a resource and is missing")
    return [item for item in yaml.safe_load_all(path.read_text(encoding="utf-8")) if item]


def apply_recipe(recipe: Manifest, objects: list[Manifest]) -> None:
    """Patches first, then namespace and images, as kustomize orders them."""
    for patch in recipe.get("patches", []):
        apply_patch(patch, objects)
    for item in objects:
        if "namespace" in recipe and item["kind"] not in CLUSTER_WIDE:
            item["metadata"]["namespace"] = recipe["namespace"]
    for image in recipe.get("images", []):
        for container in (c for item in objects for c in containers(item)):
            rename_image(container, image)


def apply_patch(patch: Manifest, objects: list[Manifest]) -> None:
    """Apply one inline JSON patch (RFC 6902) to every object its target names; none is an error."""
    target = patch["target"]
    chosen = [item for item in objects if matches(item, target)]
    if not chosen:
        raise BuildError(f"no object matches the patch target {target}")
    operations = yaml.safe_load(patch["patch"])
    if not isinstance(operations, list):
        raise BuildError(f"the patch of {target} is no list of JSON patch operations")
    for item in chosen:
        for operation in operations:
            change(item, operation)


def matches(item: Manifest, target: Manifest) -> bool:
    """Whether a patch target of kind and, perhaps, name means this object."""
    if unknown := set(target) - {"kind", "name"}:
        raise BuildError(f"a patch target may name kind and name, not {sorted(unknown)}")
    named = {"kind": item["kind"], "name": item["metadata"]["name"]}
    return all(named[key] == value for key, value in target.items())


def change(item: Manifest, operation: Manifest) -> None:
    """Carry out one operation: add, replace or remove."""
    *parents, last = [
        part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]
    ]
    place: Any = item
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place[part]
    kind, value = operation["op"], copy.deepcopy(operation.get("value"))
    if isinstance(place, list):
        index = len(place) if last == "-" else int(last)
        place[index : index + (kind != "add")] = [] if kind == "remove" else [value]
    elif kind == "remove" or (kind == "replace" and last not in place):
        del place[last]
    else:
        place[last] = value


def containers(item: Manifest) -> Iterator[Manifest]:
    """Containers of a workload; nothing for other objects."""
    spec = item.get("spec", {}).get("template", {}).get("spec", {})
    yield from spec.get("initContainers", [])
    yield from spec.get("containers", [])


def rename_image(container: Manifest, image: Manifest) -> None:
    """Give an image another name, tag or digest."""
    name = container["image"].split("@")[0].rpartition(":")[0] or container["image"]
    if name == image["name"]:
        pin = f"@{image['digest']}" if "digest" in image else f":{image.get('newTag', 'latest')}"
        container["image"] = image.get("newName", name) + pin
