"""验证 The offline check of a bundle: nothing but its bytes and, if given, the key one expects.

From the outside in: the form of the zip, the signature over the manifest, the digest of every
item, the ledger proof of every raw frame, the digest chain of the case's timeline. Each check adds
what it found, so that one report names every place that differs. A bundle carries its own key,
hence an intact bundle without an expected key proves only that nothing changed since somebody
signed it; the report says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.chassis import sm
from services.referral.domain import canonical, chain, hour_seals, signed_log, zipform
from services.referral.domain.bundle import FORMAT, MANIFEST, PAPERS, PROOFS, SIGNATURE
from services.referral.domain.problem import Problem

_SIGNATURE_FIELDS = {
    "algorithm",
    "signer_id",
    "public_key",
    "fingerprint_sm3",
    "manifest_sm3",
    "signature",
}


@dataclass(frozen=True, slots=True)
class Report:
    """验证结果 What the check saw. Intact when there is no problem."""

    problems: tuple[Problem, ...]
    manifest: dict[str, Any] | None = None
    fingerprint: str = ""
    key_expected: bool = False
    frames_proven: int = 0
    frames_open: int = 0
    timeline_lines: int = 0
    ledger_keys: tuple[str, ...] = ()

    @property
    def intact(self) -> bool:
        """Whether every check held."""
        return not self.problems


def verify(archive: bytes, expected_fingerprint: str = "") -> Report:
    """Check a bundle; `expected_fingerprint` (SM3 hex) is the key one trusts, empty for any."""
    try:
        entries = {entry.path: entry for entry in zipform.read(archive)}
    except zipform.ZipFault as fault:
        return Report((Problem(fault.place, fault.reason),))
    missing = [Problem(name, "missing") for name in (MANIFEST, SIGNATURE) if name not in entries]
    if missing:
        return Report(tuple(missing))
    manifest, signature, problems = _read_heads(entries)
    if manifest is None or signature is None:
        return Report(tuple(problems))
    problems += _signature_problems(entries[MANIFEST].data, signature, expected_fingerprint)
    problems += _item_problems(manifest, entries)
    problems += _form_problems(archive, entries, manifest, not problems)
    return _with_contents(manifest, entries, signature, expected_fingerprint, problems)


def _read_heads(
    entries: dict[str, zipform.Entry],
) -> tuple[dict[str, Any] | None, dict[str, Any] | None, list[Problem]]:
    found: list[dict[str, Any] | None] = []
    problems: list[Problem] = []
    for name in (MANIFEST, SIGNATURE):
        try:
            value = canonical.decode(entries[name].data)
        except ValueError:
            problems.append(Problem(name, "not in canonical form"))
            value = None
        if value is not None and not isinstance(value, dict):
            problems.append(Problem(name, "not an object"))
            value = None
        found.append(value)
    return found[0], found[1], problems


def _signature_problems(
    manifest: bytes, signature: dict[str, Any], expected: str
) -> Iterator[Problem]:
    if set(signature) != _SIGNATURE_FIELDS or signature["algorithm"] != sm.SM2_WITH_SM3:
        yield Problem(SIGNATURE, "unknown fields or algorithm")
        return
    try:
        point = bytes.fromhex(signature["public_key"])
        raw = bytes.fromhex(signature["signature"])
        lower = (
            "04" + point[1:].hex() == signature["public_key"]
            and raw.hex() == signature["signature"]
        )
        signer_id = signature["signer_id"].encode()
    except (ValueError, TypeError, AttributeError):
        lower = False
    if not lower or len(point) != 65 or len(raw) != 64:
        yield Problem(SIGNATURE, "key or signature is not in canonical form")
        return
    key = point[1:]
    same = signature["manifest_sm3"] == sm.sm3(manifest).hex()
    holds = sm.signature_holds(sm.message_digest(manifest, key, signer_id), raw, key)
    if not same and not holds:
        yield Problem(MANIFEST, "not the manifest that was signed")
    elif not holds:
        yield Problem(SIGNATURE, "the signature over manifest.json does not hold")
    elif not same:
        yield Problem(SIGNATURE, "manifest_sm3 is not the digest of the signed manifest")
    if signature["fingerprint_sm3"] != sm.fingerprint(key):
        yield Problem(SIGNATURE, "fingerprint does not belong to the key")
    if expected and sm.fingerprint(key) != expected:
        yield Problem(SIGNATURE, "signed by another key than the one given")


def _item_problems(
    manifest: dict[str, Any], entries: dict[str, zipform.Entry]
) -> Iterator[Problem]:
    rows = _rows(manifest)
    if manifest.get("format") != FORMAT or rows is None:
        yield Problem(MANIFEST, "unknown format")
        return
    for path, row in rows.items():
        yield from _one_item(path, row, entries.get(path))
    for path in entries.keys() - rows.keys() - {MANIFEST, SIGNATURE}:
        yield Problem(path, "not listed in the manifest")


def _rows(manifest: dict[str, Any]) -> dict[str, dict[str, Any]] | None:
    try:
        return {row["path"]: row for row in manifest["items"]}
    except (KeyError, TypeError):
        return None


def _one_item(path: str, row: dict[str, Any], entry: zipform.Entry | None) -> Iterator[Problem]:
    if entry is None:
        yield Problem(path, "listed in the manifest but missing")
        return
    if row.get("size") != len(entry.data):
        yield Problem(path, "size differs from the manifest")
    for name, digest in (("sm3", sm.sm3), ("sha256", sm.sha256)):
        if row.get(name) != digest(entry.data).hex():
            yield Problem(path, f"{name.upper()} digest differs from the manifest")


def _form_problems(
    archive: bytes, entries: dict[str, zipform.Entry], manifest: dict[str, Any], clean: bool
) -> Iterator[Problem]:
    """What digests cannot see: a header's checksum, a second entry of one name, another order."""
    if not clean:
        return  # a place is named already; the rest would only repeat it
    for entry in entries.values():
        if not entry.checksum_fits:
            yield Problem(f"zip header of {entry.path}", "checksum does not fit the content")
            return
    order = [MANIFEST, SIGNATURE, *sorted(_rows(manifest) or ())]
    if zipform.write([(path, entries[path].data) for path in order]) != archive:
        yield Problem("zip", "entries are repeated or not in canonical order")


def _with_contents(
    manifest: dict[str, Any],
    entries: dict[str, zipform.Entry],
    signature: dict[str, Any],
    expected: str,
    problems: list[Problem],
) -> Report:
    proven = still_open = lines = 0
    keys: list[str] = []
    try:
        if PROOFS in entries:
            proven, still_open, found = _check_ledger(entries)
            problems += found
            keys = signed_log.signers_of(canonical.decode(entries[PROOFS].data))
        if PAPERS in entries:
            lines, found = _check_timeline(entries[PAPERS].data)
            problems += found
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # Only a signer's own mistake or an item already blamed gets here.
        problems.append(Problem("contents", f"unreadable: {error!r}"))
    fingerprint = str(signature.get("fingerprint_sm3", ""))
    return Report(
        tuple(problems),
        manifest,
        fingerprint,
        bool(expected),
        proven,
        still_open,
        lines,
        tuple(keys),
    )


def _check_ledger(entries: dict[str, zipform.Entry]) -> tuple[int, int, list[Problem]]:
    proofs = canonical.decode(entries[PROOFS].data)
    if "seals" in proofs:  # bundles from before the log had signed heads
        return hour_seals.check(proofs, entries)
    return signed_log.check(proofs, entries)


def _check_timeline(data: bytes) -> tuple[int, list[Problem]]:
    papers = canonical.decode(data)
    broken = chain.first_break(papers["timeline"])
    if broken is None:
        return len(papers["timeline"]), []
    return len(papers["timeline"]), [
        Problem(PAPERS, f"timeline line {broken}: digest chain does not hold")
    ]
