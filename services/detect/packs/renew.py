"""旧规则包: a pack that was approved under an earlier release, read by this one.

What was approved is never changed. Where this release asks for a rule's parameter or sentence that
the pack could not know, the shipped rule's stands in, and the log says so: an upgrade must not stop
judging. What it does not ask for any more is left aside.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import yaml

from services.chassis.errors import InputRejected
from services.chassis.log import get_logger
from services.detect.packs.load import RULE_FOLDERS, load_pack, shipped_pack
from services.detect.packs.pack import Pack, digest
from services.detect.packs.tables import read_yaml

log = get_logger(__name__)


def read_kept(files: Mapping[str, bytes]) -> Pack:
    """A pack that was accepted before. Raises InputRejected where nothing makes it readable."""
    try:
        return load_pack(files)
    except InputRejected as refused:
        log.warning("pack_of_an_earlier_release", why=refused.message[:500])
    read = load_pack(completed(files, shipped_pack().files))
    return dataclasses.replace(read, files=dict(files), sha256=digest(files))


def completed(files: Mapping[str, bytes], shipped: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files with what this release needs beside; a rule that is not there stays away."""
    whole = {name: body for name, body in shipped.items() if not name.startswith(RULE_FOLDERS)}
    for name, body in files.items():
        is_rule = name.startswith(RULE_FOLDERS) and name in shipped
        whole[name] = _rule(body, shipped[name], name) if is_rule else body
    return whole


def _rule(body: bytes, shipped: bytes, name: str) -> bytes:
    """A rule with the shipped rule's parameters and sentences, its own where it has them."""
    own, new = read_yaml(body, name), read_yaml(shipped, name)
    if not isinstance(own, dict) or own.keys() != new.keys():
        own = new | (own if isinstance(own, dict) else {})
    own["parameters"] = _with(own["parameters"], new["parameters"])
    if _shape(own["wording"]) != _shape(new["wording"]):
        own["wording"] = new["wording"]
    kept = {field: own[field] for field in new}
    return yaml.safe_dump(kept, allow_unicode=True, sort_keys=False).encode()


def _with(own: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {name: own.get(name, value) for name, value in new.items()}


def _shape(wording: Mapping[str, Any]) -> set[str]:
    return set(wording["fragments"])
