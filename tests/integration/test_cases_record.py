"""The whole record as a zip: complete, the same twice, checked offline, no byte changed unseen."""

import hashlib
import io
import json
import random
import zipfile
from dataclasses import replace

import pytest

from services.cases import paper_store, store
from services.cases.app.attach_file import attach_file
from services.cases.app.attempts import system_attempt
from services.cases.app.handle_finding import handle_finding
from services.cases.app.save_step import save_step
from services.cases.attachment_spool import Received
from services.cases.domain import steps
from services.cases.domain.attachments import Handed
from services.cases.domain.matter import Kind
from services.cases.record_check import check_record
from services.cases.record_zip import RecordZip
from services.cases.rules import life_cycle, terms
from services.chassis.clock import utc_now
from services.chassis.errors import Forbidden, NotFound
from services.chassis.identity import Role
from services.chassis.pb.cases.v1 import work_pb2 as pb
from services.chassis.pb.cases.v1 import work_pb2_grpc
from tests.integration.cases_door_rig import open_door
from tests.integration.cases_rig import (
    ANSWER,
    LEADER,
    MANAGER,
    NEIGHBOUR,
    VERDICT,
    WANG,
    actor,
    finding,
    issued_paper,
    region,
)

NOW = utc_now()
PHOTO = b"\xff\xd8\xff\xe0" + bytes(2000)
PLATFORM = actor(Role.PLATFORM, "p-1", "130000")


@pytest.fixture(scope="module")
def made(migrated_db, tmp_path_factory):
    """The record of an order with a document and a case beside it, as an officer gets it."""
    url = migrated_db("cases")
    folder = tmp_path_factory.mktemp("keys")
    with region(url, NOW) as place, open_door(url, folder) as door:
        place.run(handle_finding, finding(NOW, hours=3))
        order = place.only()
        place.act(MANAGER, order, "answer", **ANSWER)
        place.act(WANG, order, "check", **VERDICT)
        paper_in(place, order)
        attach(place, order)
        yield place, door, work_pb2_grpc.WorkServiceStub(door.channel), order


def paper_in(place, order):
    """Issue a document: its line names its digest, as `perform` writes it."""
    paper = issued_paper(order.matter_id, "丛环责改〔2026〕3号", pdf=b"%PDF-1.7 " + bytes(3000))
    with place.database.transaction() as session:
        matter = store.load(session, order.matter_id, lock=True)
        attempt = system_attempt(session, matter, NOW, {"finding": "f"})
        step = steps.take(life_cycle(Kind.ORDER), "add_finding", attempt, terms())
        note = f"{paper.template} {paper.number} sm3:{paper.sm3.hex()}"
        step = steps.with_notes(step, {"papers": note})
        save_step(session, step)
        paper_store.add_paper(session, replace(paper, seq=step.event.seq))


def attach(place, order):
    """Hand a photo in as an officer."""
    photo = Received(io.BytesIO(PHOTO), len(PHOTO), *digests_of(PHOTO), PHOTO[:16])
    handed = Handed(order.matter_id, "现场.JPG", "photo", "image/jpeg")
    with place.database.transaction() as session:
        attach_file(session, WANG, handed, photo, NOW)


def digests_of(body):
    """SHA-256 and SM3."""
    return hashlib.sha256(body).digest(), hashlib.new("sm3", body).digest()


def taken(door, stub, who, matter_id):
    """The bytes of a record, compared with the digest that comes first."""
    answers = door.stream(who, stub.ExportRecord, pb.ExportRecordRequest(matter_id=matter_id))
    body = b"".join(one.chunk for one in answers)
    assert answers[0].size_bytes == len(body)
    assert answers[0].sha256 == hashlib.sha256(body).digest()
    return body


@pytest.fixture(scope="module")
def package(made):
    """Its bytes."""
    _, door, stub, order = made
    return taken(door, stub, WANG, order.matter_id)


def faults(body: bytes) -> list[str]:
    """What the offline check says."""
    return check_record(io.BytesIO(body)).faults


def repacked(package: bytes, name: str, change) -> bytes:
    """The package with one file changed and packed again as ours is, manifest untouched."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        again = RecordZip(target)
        for info in archive.infolist():
            body = archive.read(info)
            body = change(body) if info.filename == name else body
            again.add(info.filename, [body], len(body))
        again.close()
    return target.getvalue()


def test_a_record_is_whole_and_intact(made, package):
    """Every line with its digest, clocks with their derivation, the document, a page for people."""
    place, _, _, order = made
    report = check_record(io.BytesIO(package))

    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        record = json.loads(archive.read("record.json"))
        page = archive.read("index.html").decode()
        pdf = archive.read(record["papers"][0]["file"])
        photo = archive.read(record["attachments"][0]["file"])

    matter = place.only()
    assert report.faults == []
    assert report.timelines == [(order.number, len(matter.events), matter.events[-1].digest.hex())]
    assert (report.papers, report.attachments) == (1, 1)
    assert [line["act"] for line in record["matters"][0]["timeline"]] == [
        event.act for event in matter.events
    ]
    assert all(clock["derivation"] for clock in record["matters"][0]["clocks"])
    assert pdf.startswith(b"%PDF")
    assert photo == PHOTO
    for text in (order.number, "丛环责改〔2026〕3号", "脱硫泵故障", matter.events[-1].digest.hex()):
        assert text in page


def test_the_same_record_is_the_same_file(made, package):
    """Nothing of the moment or the machine goes in."""
    _, door, stub, order = made

    assert taken(door, stub, LEADER, order.matter_id) == package


def test_no_byte_can_be_turned_unseen(package):
    """300 random bytes, the first, the last, and one in each header: every one is named."""
    chance = random.Random(6)
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        headers = [
            info.header_offset + n for info in archive.infolist() for n in (0, 8, 12, 20, 28)
        ]
    places = {0, len(package) - 1, *headers, *chance.sample(range(len(package)), 300)}

    unseen = []
    for place in sorted(places):
        body = bytearray(package)
        body[place] ^= 1 << chance.randrange(8)
        if not faults(bytes(body)):
            unseen.append(place)

    assert unseen == []


def test_a_changed_word_is_named_by_matter_and_line(package):
    """The chain breaks at that very line, and the manifest says which file."""

    def turn(body: bytes) -> bytes:
        return body.replace("已更换".encode(), "未更换".encode())

    changed = repacked(package, "record.json", turn)

    found = faults(changed)

    assert any("record.json" in one for one in found)
    assert any("第2行" in one and "不接续" in one for one in found)


def test_a_dropped_last_line_is_seen(package):
    """The head says how many lines there are."""

    def drop(body: bytes) -> bytes:
        record = json.loads(body)
        del record["matters"][0]["timeline"][-1]
        return json.dumps(record).encode()

    assert any("应有" in one for one in faults(repacked(package, "record.json", drop)))


def test_an_exchanged_document_is_named(package):
    """The digest in the record, in the manifest and in the line all say another."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        name = next(one for one in archive.namelist() if one.endswith(".pdf"))

    found = faults(repacked(package, name, lambda body: body[::-1]))

    assert any(name in one for one in found)


def test_a_cut_or_foreign_file_is_refused(package):
    """Not a crash, a fault."""
    assert faults(package[:-7])
    assert faults(b"")
    assert faults(b"PK" * 40)


def test_the_record_is_for_the_authority_of_the_place(made):
    """A neighbour's officer does not learn that it exists; a plant and a platform have no right."""
    _, door, stub, order = made

    with pytest.raises(NotFound):
        taken(door, stub, NEIGHBOUR, order.matter_id)
    for who in (MANAGER, PLATFORM):
        with pytest.raises(Forbidden):
            taken(door, stub, who, order.matter_id)
