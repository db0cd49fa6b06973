"""National digests and signature: the standards' examples, and OpenSSL as second opinion."""

import shutil
import subprocess
from pathlib import Path

import pytest
from gmssl_pyx import sm2_key_generate

from services.chassis import sm
from services.chassis.signing import FileSigner

# GB/T 32918.5-2017 annex A.2: recommended curve, default id, message "message digest".
PRIVATE = bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
PUBLIC = bytes.fromhex(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
SIGNATURE = bytes.fromhex(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)
# SubjectPublicKeyInfo of an SM2 point: id-ecPublicKey with the curve's OID, then 04 x y.
SPKI_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_gives_the_digests_of_its_standard(message, digest):
    """GB/T 32905-2016 annex A: both worked examples."""
    assert sm.sm3(message).hex() == digest


def test_the_identity_and_message_digests_are_those_of_the_standard():
    """GB/T 32918.5 annex A.2 prints Z and e; ours are built by hand and must be the same."""
    z = sm.identity_digest(PUBLIC)
    e = sm.message_digest(b"message digest", PUBLIC)

    assert z.hex().upper() == "B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3"
    assert e.hex().upper() == "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640"


def test_the_signature_of_the_standard_holds_and_another_message_breaks_it():
    """The printed (r, s) verifies over its message and over no other."""
    right = sm.message_digest(b"message digest", PUBLIC)
    wrong = sm.message_digest(b"message digesT", PUBLIC)

    assert sm.signature_holds(right, SIGNATURE, PUBLIC)
    assert not sm.signature_holds(wrong, SIGNATURE, PUBLIC)
    assert not sm.signature_holds(right, SIGNATURE, bytes(64))


def test_raw_and_der_signatures_turn_into_each_other():
    """Leading zeros and high bits survive, because DER drops the first and pads the second."""
    for r, s in [(1, 2**255), (2**248 - 1, 127), (2**256 - 1, 128)]:
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")

        assert sm.raw_signature(sm.der_signature(raw)) == raw


def test_our_signature_verifies_with_our_key():
    """What the file signer makes holds for its own public half."""
    public, private = sm2_key_generate()
    digest = sm.message_digest(b"x", public)

    assert sm.signature_holds(digest, FileSigner(private, public).sign_digest(digest), public)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_accepts_our_signature_and_refuses_a_changed_message(tmp_path: Path):
    """An implementation that shares no code with ours reads key, id, digest and signature alike."""
    signer = FileSigner(PRIVATE, PUBLIC)
    message = "移送书".encode()
    signature = signer.sign_digest(sm.message_digest(message, PUBLIC))
    (tmp_path / "key.der").write_bytes(SPKI_HEAD + b"\x04" + PUBLIC)
    (tmp_path / "sig.der").write_bytes(sm.der_signature(signature))

    assert _openssl_verifies(tmp_path, message)
    assert not _openssl_verifies(tmp_path, message + b".")


def _openssl_verifies(folder: Path, message: bytes) -> bool:
    (folder / "message").write_bytes(message)
    command = (
        "openssl pkeyutl -verify -pubin -inkey key.der -keyform DER -rawin -digest sm3"
        " -in message -sigfile sig.der -pkeyopt distid:1234567812345678"
    )
    return (
        subprocess.run(command.split(), cwd=folder, check=False, capture_output=True).returncode
        == 0
    )
