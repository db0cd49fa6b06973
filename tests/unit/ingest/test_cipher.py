"""SM4 data areas of HJ 212-2025."""

import pytest

from services.ingest.hj212.cipher import (
    decrypt_area,
    encrypt_area,
    encrypt_frame,
    looks_encrypted,
)
from services.ingest.hj212.encode import encode_frame
from services.ingest.hj212.errors import LocalProtocolError
from services.ingest.hj212.framing import Fault, Frame, Framer, Item
from services.ingest.hj212.policy import LoggerPolicy

from .frames import GOLDEN, HOUR, REALTIME, SET_INTERVAL, reference_frames

KEY = b"0" * 16  # the key of annex A.2
OTHER = b"fedcba9876543210"
REST_OF_15 = b"DataTime=20261122110000;a=1,bcdef=16789012345678"


def items(data: bytes, *keys: bytes) -> list[Item]:
    """Items of these bytes for a logger with these keys."""
    framer = Framer(lambda _: LoggerPolicy(keys=keys))
    return framer.feed(data) + framer.flush()


def test_vectors_of_annex_a2_in_both_directions():
    """Examples 1 to 4: the plaintext's frame and key give the cipher bytes, and back."""
    frames = {number: data for number, _, data in reference_frames()}
    for plain, cipher in ((frames[4], frames[7]), (frames[5], frames[9])):
        assert encrypt_frame(plain, KEY) == cipher
        (frame,) = items(cipher, KEY)
        assert isinstance(frame, Frame)
        assert (frame.segment, frame.cipher, frame.repairs) == (plain[6:-6], "raw", ())


@pytest.mark.parametrize("golden", [golden for golden in GOLDEN if golden != SET_INTERVAL])
@pytest.mark.parametrize("form", ["raw", "hex"])
@pytest.mark.parametrize("keys", [(KEY,), (OTHER, KEY)])
def test_encrypted_frame_is_read_in_either_form_with_either_key(golden, form, keys):
    """The current key, and the one before for frames under way; whole and byte by byte."""
    data = encrypt_frame(golden, KEY, form)
    framer = Framer(lambda _: LoggerPolicy(keys=keys))
    bytewise = [item for byte in data for item in framer.feed(bytes([byte]))]

    (frame,) = items(data, *keys)
    assert isinstance(frame, Frame)
    assert (frame.raw, frame.segment, frame.cipher) == (data, golden[6:-6], form)
    assert bytewise == [frame]


def test_rest_of_the_area_may_be_hex_too():
    """The wire form is not certain: hex of everything is read as well as hex of the blocks."""
    area = HOUR[6:-6].partition(b"CP=&&")[2][:-2]
    wire = encrypt_area(area, KEY).hex().encode()
    segment = HOUR[6:-6].replace(area, wire)
    (frame,) = items(b"##%04d%b%b" % (len(segment), segment, HOUR[-6:]), KEY)

    assert isinstance(frame, Frame)
    assert (frame.segment, frame.cipher) == (HOUR[6:-6], "hex")


@pytest.mark.parametrize("keys", [(), (OTHER,)])
def test_unknown_key_is_a_crc_fault_that_says_so(keys: tuple[bytes, ...]):
    """What to do about it is in the detail."""
    (fault,) = items(encrypt_frame(HOUR, KEY), *keys)

    assert isinstance(fault, Fault)
    assert fault.kind == "crc"
    assert fault.detail.startswith("looks encrypted")


def test_plain_frames_of_a_logger_with_a_key_stay_plain():
    """A key does not make plaintext into cipher."""
    for golden in GOLDEN:
        assert items(golden, KEY) == [Frame(0, golden, golden[6:-6])]


def test_cipher_text_whose_crc_agrees_by_chance_is_still_decrypted():
    """The CRC has 256 values: of 1,500 encrypted frames some agree as they are; none is plain."""
    for number in range(1500):
        plain = REALTIME[6:-6].replace(b"40.1", b"%d.1" % number)
        for form in ("raw", "hex"):
            (frame,) = items(encrypt_frame(encode_frame(plain), KEY, form), KEY)
            assert isinstance(frame, Frame)
            assert frame.segment == plain, number


def test_area_is_encrypted_by_full_blocks():
    """What is left after the last 16 bytes stays plain."""
    for size in range(len(REST_OF_15)):
        area = REST_OF_15[:size]
        cipher = encrypt_area(area, KEY)
        assert len(cipher) == size
        assert cipher[size // 16 * 16 :] == area[size // 16 * 16 :]
        assert decrypt_area(cipher, KEY) == area


def test_key_of_another_size_is_our_fault():
    """The registry gives 16 bytes."""
    with pytest.raises(LocalProtocolError):
        encrypt_area(REST_OF_15, b"short")


def test_chinese_text_does_not_look_encrypted():
    """UTF-8 and GB 18030 are text, cipher and hex are not."""
    area = "DataTime=20261122110000;i11001-Info=//清洗管路//"
    for encoding in ("utf-8", "gb18030"):
        assert not looks_encrypted(b"QN=1;CP=&&" + area.encode(encoding) + b"&&")
    assert looks_encrypted(b"QN=1;CP=&&" + encrypt_area(area.encode(), KEY) + b"&&")
    assert looks_encrypted(b"QN=1;CP=&&" + b"\xff" * 16 + b"&&")
    assert looks_encrypted(b"QN=1;CP=&&" + encrypt_area(area.encode(), KEY, "hex") + b"&&")
