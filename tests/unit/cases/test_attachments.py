"""What may be handed in: the file's own bytes decide, and names hold no folders."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cases.attachment_spool import Spool
from services.cases.domain.attachments import Handed, check_handed, media_type_of, sniff
from services.chassis.errors import InputRejected

HANDED = Handed("m-1", "照片.jpg", "photo", "image/jpeg")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xdb", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"%PDF-1.4", "application/pdf"),
        (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        (b"\x00\x00\x00\x18ftypqt  ", "video/quicktime"),
        (b"\x00\x00\x00\x18ftypheic", "image/heic"),
        (b"plain words", ""),
        (b"", ""),
    ],
)
def test_the_first_bytes_tell_the_kind(head: bytes, kind: str):
    """Photos, films and documents that officers bring along."""
    assert sniff(head) == kind
    assert media_type_of("", head) == (kind or "application/octet-stream")


def test_a_statement_that_the_bytes_contradict_is_refused():
    """And one that they cannot contradict is kept."""
    with pytest.raises(InputRejected) as refused:
        media_type_of("image/png", b"\xff\xd8\xff")
    assert refused.value.facts["found"] == "image/jpeg"
    with pytest.raises(InputRejected):
        media_type_of("video/mp4", b"no film")
    assert media_type_of("text/csv", b"a,b") == "text/csv"
    assert media_type_of("text/plain", b"BMW") == "text/plain"


@pytest.mark.parametrize("name", ["a/b.jpg", "..", "a\\b", "a\nb", " ", "x" * 201])
def test_names_with_folders_or_signs_are_refused(name: str):
    """What is written to somebody's disk later must not choose its place."""
    with pytest.raises(InputRejected):
        check_handed(replace(HANDED, name=name))


def test_place_belongs_together_and_lies_on_the_earth():
    """NaN is nowhere."""
    check_handed(replace(HANDED, longitude=114.5, latitude=36.6))
    for longitude, latitude in ((114.5, None), (float("nan"), 1.0), (181.0, 1.0)):
        with pytest.raises(InputRejected):
            check_handed(replace(HANDED, longitude=longitude, latitude=latitude))


@given(st.binary(max_size=64), st.sampled_from(["", "image/jpeg", "video/mp4", "text/plain"]))
def test_any_bytes_are_taken_or_refused_by_name(head: bytes, stated: str):
    """Whatever comes, the answer is a type or a typed refusal."""
    try:
        answer = media_type_of(stated, head)
    except InputRejected as refused:
        answer = refused.facts["field"]
    assert answer


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=8))
def test_a_spool_gives_back_what_it_took(pieces: list[bytes]):
    """Cut in any way, the file and its digest are the same."""
    with Spool(1000) as whole, Spool(1000) as cut:
        whole.add(b"".join(pieces))
        for piece in pieces:
            cut.add(piece)
        one, two = whole.received(b""), cut.received(b"")

        assert b"".join(two.chunks()) == b"".join(pieces)
        assert (one.sha256, one.sm3, one.head) == (two.sha256, two.sm3, two.head)
