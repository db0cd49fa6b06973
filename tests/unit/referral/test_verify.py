"""The bundle and its offline check: intact passes, any changed byte is named."""

import argparse
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from farsight import verify as command
from services.chassis import merkle, sm
from services.chassis.signing import FileSigner
from services.referral.domain import canonical, chain, zipform
from services.referral.domain.bundle import MANIFEST, PAPERS, PROOFS, SIGNATURE, Head, Item, build
from services.referral.domain.verify import verify

SIGNER = FileSigner(
    bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"),
    bytes.fromhex(
        "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
        "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
    ),
)
HEAD = Head(
    referral_id="r1",
    number="冀环移〔2026〕1号",
    matter_id="m1",
    matter_number="案1",
    outlet_id="91130400MA000T014P-DA001",
    signer_name="示范局",
    created_at=datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC),
    software_version="0.1.0",
)
FRAMES = [b"##0001A1C0\r\n", b"##0002B2C1\r\n", b"##0003C3C2\r\n"]


def tree_with_proofs(leaves: list[bytes]) -> tuple[bytes, list[list[bytes]]]:
    """RFC 9162 2.1.1 by its recursive definition: the root and every leaf's inclusion proof."""
    if len(leaves) == 1:
        return leaves[0], [[]]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, left_proofs = tree_with_proofs(leaves[:split])
    right, right_proofs = tree_with_proofs(leaves[split:])
    proofs = [[*proof, right] for proof in left_proofs] + [[*p, left] for p in right_proofs]
    return sm.sm3(b"\x01" + left + right), proofs


LEDGER_SIGNER = FileSigner(
    (1).to_bytes(32, "big"),
    bytes.fromhex(
        "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"
        "BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"
    ),
)


def entry(leaf: int, frame: bytes) -> str:
    """A ledger entry of version 2 as ADR 0017 spells it, written by hand."""
    return json.dumps(
        [
            *(2, 5, leaf, 1763773200, 1763773260123456, "10.0.0.9:4711", "MN1"),
            *("91130400MA000T014P-DA001", "2061", "20261122090000000", 1763769600),
            *("accepted", "", 2017, [], 1, "", "c1", [], len(frame)),
            *(sm.sm3(frame).hex(), sm.sha256(frame).hex()),
        ],
        separators=(",", ":"),
    )


def signed_head(size: int, root: bytes) -> dict[str, object]:
    """A head over one partition, signed with the ledger's key."""
    partition = {"partition": 5, "root_sm3": root.hex(), "size": size}
    text = json.dumps(
        {"format": "farsight-ledger-head/1", "number": 7, "partitions": [partition]},
        separators=(",", ":"),
        sort_keys=True,
    )
    key = LEDGER_SIGNER.public_key
    signature = LEDGER_SIGNER.sign_digest(sm.message_digest(text.encode(), key))
    return {
        "number": 7,
        "text": text,
        "public_key": "04" + key.hex(),
        "signature": signature.hex(),
        "fingerprint_sm3": sm.fingerprint(key),
    }


def ledger_proofs() -> dict[str, object]:
    """Three frames under a signed head; the first entry is one of version 1."""
    entries = ["", *(entry(n, frame) for n, frame in enumerate(FRAMES) if n)]
    leaves = [merkle.leaf_hash(sm.sm3(FRAMES[0]))]
    leaves += [merkle.leaf_hash(text.encode()) for text in entries[1:]]
    root, proofs = tree_with_proofs(leaves)
    rows = [
        {
            "path": f"frames/{i}.hj212",
            "partition": 5,
            "leaf": i,
            "head": 7,
            "entry_version": 2 if text else 1,
            "entry": text,
            "proof": [p.hex() for p in proof],
        }
        for i, (text, proof) in enumerate(zip(entries, proofs, strict=True))
    ]
    return {"heads": [signed_head(3, root)], "frames": rows}


def hour_proofs() -> dict[str, object]:
    """The same frames under a sealed hour, as bundles had it before heads were signed."""
    leaves = [merkle.leaf_hash(sm.sm3(frame)) for frame in FRAMES]
    root, proofs = tree_with_proofs(leaves)
    rows = [
        {
            "path": f"frames/{i}.hj212",
            "seal_id": "s1",
            "index": i,
            "size": 3,
            "proof": [p.hex() for p in proof],
        }
        for i, proof in enumerate(proofs)
    ]
    return {"seals": [{"seal_id": "s1", "size": 3, "root_sm3": root.hex()}], "frames": rows}


def small_items(proofs: dict[str, object] | None = None) -> list[Item]:
    """Three frames with their proofs, a timeline of two lines, one paper."""
    timeline, previous = [], bytes(32)
    for seq in (1, 2):
        line = {"seq": seq, "act": "查"}
        previous = chain.line_digest(previous, line)
        timeline.append({**line, "digest_sm3": previous.hex()})
    frames = [Item(f"frames/{i}.hj212", "frame", "原始报文", f) for i, f in enumerate(FRAMES)]
    return [
        *frames,
        Item(PROOFS, "ledger", "账本证明", canonical.encode(proofs or ledger_proofs())),
        Item(PAPERS, "case", "办案过程", canonical.encode({"timeline": timeline})),
    ]


@pytest.fixture(scope="module")
def bundle() -> bytes:
    """One small bundle; SM2 signs with a fresh nonce, so it is made once."""
    return build(HEAD, small_items(), SIGNER)


def places(archive: bytes) -> list[str]:
    """For every byte of the archive, the entry (or zip part) that the report has to name."""
    owners: list[str] = []
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        infos = opened.infolist()
        directory = opened.start_dir
    for info, following in zip(infos, [*infos[1:], None], strict=True):
        end = following.header_offset if following else directory
        owners += [info.filename] * (end - info.header_offset)
    for info in infos:
        owners += [info.filename] * (46 + len(info.filename.encode()))
    return owners + ["zip end record"] * 22


def test_an_intact_bundle_verifies_and_counts_what_it_proved(bundle):
    """Signature, digests, ledger proofs and the chain hold; a standard zip reader opens it."""
    report = verify(bundle, sm.fingerprint(SIGNER.public_key))

    assert report.problems == ()
    assert (report.frames_proven, report.frames_open, report.timeline_lines) == (3, 0, 2)
    assert report.ledger_keys == (sm.fingerprint(LEDGER_SIGNER.public_key),)
    assert zipfile.ZipFile(io.BytesIO(bundle)).testzip() is None


def test_every_flipped_byte_is_found_and_its_place_named(bundle, capfd):
    """Each byte in turn, with two masks (0x20 turns hex digits' case, which decoders forgive)."""
    owners = places(bundle)
    assert len(owners) == len(bundle)
    missed = []

    for offset, owner in enumerate(owners):
        for mask in (0x01, 0x20):
            changed = bytearray(bundle)
            changed[offset] ^= mask
            report = verify(bytes(changed))
            named = " ".join(f"{problem.place} {problem.reason}" for problem in report.problems)
            # A changed length or magic leaves no name to read: then the neighbour before is named.
            before = next((o for o in reversed(owners[:offset]) if o != owner), "")
            if owner not in named and f"header after {before}" not in named:
                missed.append((offset, owner, named))
            if report.intact:
                missed.append((offset, owner, "INTACT"))
    capfd.readouterr()  # gmssl prints its source lines on a signature that does not hold

    assert missed == []


def test_a_truncated_or_extended_file_is_refused(bundle):
    """Bytes missing at the end and bytes added at the end or start are no canonical zip."""
    for changed in (bundle[:-1], bundle[: len(bundle) // 2], bundle + b"\0", b"\0" + bundle, b""):
        assert not verify(changed).intact


def test_a_dropped_added_or_reordered_entry_is_named(bundle):
    """Removing an item, smuggling one in, doubling one and changing the order are each seen."""
    entries = [(e.path, e.data) for e in zipform.read(bundle)]

    dropped = verify(zipform.write(entries[:-1]))
    added = verify(zipform.write([*entries, ("note.txt", b"x")]))
    doubled = verify(zipform.write([*entries, entries[-1]]))
    reordered = verify(zipform.write([*entries[:2], *reversed(entries[2:])]))

    assert [p.place for p in dropped.problems] == [entries[-1][0]]
    assert [p.place for p in added.problems] == ["note.txt"]
    assert [p.place for p in doubled.problems] == ["zip"]
    assert [p.place for p in reordered.problems] == ["zip"]


def test_an_item_exchanged_together_with_its_manifest_row_breaks_the_signature(bundle):
    """Whoever adapts the manifest to a changed item still lacks the key."""
    entries = {e.path: e.data for e in zipform.read(bundle)}
    path = "frames/1.hj212"
    forged = entries[path].replace(b"B2", b"B3")
    manifest = entries[MANIFEST]
    for digest in (sm.sm3, sm.sha256):
        manifest = manifest.replace(
            digest(entries[path]).hex().encode(), digest(forged).hex().encode()
        )

    report = verify(zipform.write({**entries, path: forged, MANIFEST: manifest}.items()))

    assert MANIFEST in {p.place for p in report.problems}


def test_a_bundle_signed_anew_by_a_stranger_fails_against_the_known_fingerprint(bundle):
    """Without an expected key it looks intact, and the report says that no key was compared."""
    resigned = build(HEAD, small_items(), LEDGER_SIGNER)

    unknown = verify(resigned)
    known = verify(resigned, sm.fingerprint(SIGNER.public_key))

    assert unknown.intact
    assert not unknown.key_expected
    assert [p.place for p in known.problems] == [SIGNATURE]


def test_a_frame_that_the_ledger_never_held_is_named_though_the_signer_signed_it():
    """The ledger proof checks the sender too: the frame's own proof must lead to the root."""
    items = small_items()
    items[1] = Item(items[1].path, "frame", "原始报文", b"##0002FORGED")

    report = verify(build(HEAD, items, SIGNER))

    assert [p.place for p in report.problems] == ["frames/1.hj212"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: p["heads"][0].update(text=p["heads"][0]["text"].replace(":3}", ":4}")), "head"),
        (
            lambda p: p["frames"][1].update(entry=p["frames"][1]["entry"].replace("10.", "11.")),
            "root",
        ),
        (lambda p: p["frames"][1].update(entry=p["frames"][2]["entry"]), "other bytes"),
        (lambda p: p["frames"][1].update(entry_version=1), "root"),
        (lambda p: p["frames"][1].update(leaf=0), "other bytes"),
        (lambda p: p["frames"][1].update(head=8), "no head"),
        (lambda p: p["frames"][1].update(partition=6), "no head"),
    ],
    ids=["size", "peer", "entry", "version", "leaf", "head", "partition"],
)
def test_whoever_signs_a_bundle_cannot_change_what_the_ledger_signed(change, reason, capfd):
    """Head, entry, arrival, peer, place: the ledger's own signature and tree say no."""
    proofs = ledger_proofs()
    change(proofs)

    report = verify(build(HEAD, small_items(proofs), SIGNER))
    capfd.readouterr()

    (problem,) = report.problems
    assert reason in problem.reason
    assert problem.place in {PROOFS, "frames/1.hj212"}


def test_a_bundle_from_before_signed_heads_still_verifies_and_can_still_fail():
    """Old evidence keeps its worth; another frame under the old seal is named."""
    items = small_items(hour_proofs())
    good = verify(build(HEAD, items, SIGNER))
    items[1] = Item(items[1].path, "frame", "原始报文", b"##0002FORGED")
    bad = verify(build(HEAD, items, SIGNER))

    assert (good.intact, good.frames_proven, good.ledger_keys) == (True, 3, ())
    assert [p.place for p in bad.problems] == ["frames/1.hj212"]


def test_a_timeline_line_changed_before_signing_is_named():
    """The chain of the case's own lines is checked apart from the item's digest."""
    items = small_items()
    papers = canonical.decode(items[-1].data)
    papers["timeline"][1]["act"] = "改"
    items[-1] = Item(PAPERS, "case", "办案过程", canonical.encode(papers))

    report = verify(build(HEAD, items, SIGNER))

    assert [(p.place, "line 2" in p.reason) for p in report.problems] == [(PAPERS, True)]


def run(*words: str) -> int:
    """The command as the CLI calls it."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def test_the_command_exits_0_1_and_2(bundle, tmp_path: Path, capsys):
    """Intact, one byte flipped with its item named, and a file that is not there."""
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    good.write_bytes(bundle)
    bad.write_bytes(bundle.replace(b"##0002B2", b"##0002B3"))
    fingerprint = sm.fingerprint(SIGNER.public_key)

    assert run(str(good), "--fingerprint", fingerprint) == 0
    assert "intact" in capsys.readouterr().out
    assert run(str(bad)) == 1
    assert "frames/1.hj212" in capsys.readouterr().out
    assert run(str(tmp_path / "none.zip")) == 2
    assert run(str(good), "--fingerprint", "12") == 2


def test_the_command_prints_json_and_takes_a_key_file(bundle, tmp_path: Path, capsys):
    """A script reads the same facts; the public key file is an alternative to its fingerprint."""
    good, key = tmp_path / "good.zip", tmp_path / "key.pub"
    good.write_bytes(bundle)
    key.write_text("04" + SIGNER.public_key.hex())

    code = run(str(good), "--key", str(key), "--json")

    printed = json.loads(capsys.readouterr().out)
    assert (code, printed["intact"], printed["key_expected"]) == (0, True, True)
    assert printed["items"] == 5
