"""Files handed in on a matter over a real port: whole or not at all, once, unchanged, to whom."""

import asyncio
import hashlib
import threading
import tracemalloc

import grpc
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.cases import attachment_spool
from services.cases.app.act_on_matter import Request, act_on_matter
from services.cases.app.handle_clue import handle_clue
from services.cases.app.handle_finding import handle_finding
from services.cases.domain import history
from services.cases.door import register
from services.chassis import grpc_host
from services.chassis.clock import utc_now
from services.chassis.errors import (
    Conflict,
    DataLost,
    FarsightError,
    Forbidden,
    InputRejected,
    NotFound,
    RuleViolated,
)
from services.chassis.identity import Role, Tokens, create_token_key
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.cases.v1.cases_pb2_grpc import CaseServiceStub
from services.chassis.settings import ChassisSettings
from tests.integration.cases_rig import (
    LI,
    MANAGER,
    NEIGHBOUR,
    OTHER_PLANT,
    WANG,
    actor,
    bottle,
    finding,
    region,
)

NOW = utc_now()
MIB = 1024 * 1024
PLATFORM = actor(Role.PLATFORM, "p-1", "130000")
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20
PDF = b"%PDF-1.7\n" + b"0" * 400
TABLES = ("attachment", "attachment_chunk", "attachment_content")


class Door:
    """A client that hands files in and takes them out as anybody."""

    def __init__(self, stub: CaseServiceStub, tokens: Tokens) -> None:
        self.stub, self._tokens = stub, tokens

    def token(self, who):
        """The metadata of somebody who is signed in."""
        return grpc_host.bearer(self._tokens.issue(who)[0])

    def attach(self, who, matter_id: str, body: bytes = JPEG, **head) -> pb.Attachment:
        """Hand a file in."""
        return self.stream(who, messages(matter_id, pieces(body), **head))

    def stream(self, who, stream) -> pb.Attachment:
        """Send messages as they are."""
        try:
            return self.stub.Attach(stream, metadata=self.token(who), timeout=60).attachment
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error

    def listed(self, who, matter_id: str) -> list[pb.Attachment]:
        """Files of a matter."""
        request = pb.ListAttachmentsRequest(matter_id=matter_id)
        try:
            return list(self.stub.ListAttachments(request, metadata=self.token(who)).attachments)
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error

    def read(self, who, attachment_id: str) -> tuple[pb.Attachment, bytes]:
        """One file with its bytes."""
        request = pb.GetAttachmentRequest(attachment_id=attachment_id)
        try:
            answers = list(self.stub.GetAttachment(request, metadata=self.token(who), timeout=60))
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error
        return answers[0].attachment, b"".join(one.chunk for one in answers)


def pieces(body: bytes, size: int = MIB):
    """A file in pieces."""
    return (body[start : start + size] for start in range(0, len(body), size))


def messages(matter_id: str, chunks, **head):
    """The stream that hands a file in."""
    plain = {"name": "现场照片.jpg", "purpose": "photo", "media_type": "image/jpeg"}
    yield pb.AttachRequest(head=pb.AttachmentHead(matter_id=matter_id, **(plain | head)))
    for chunk in chunks:
        yield pb.AttachRequest(chunk=chunk)


@pytest.fixture(scope="module")
def door(migrated_db, tmp_path_factory):
    """The door on a free port of this machine."""
    key = tmp_path_factory.mktemp("keys") / "token.jwk"
    create_token_key(key)
    tokens = Tokens(key)
    settings = ChassisSettings.from_env({"DATABASE_URL": migrated_db("cases")})
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start():
        server = grpc_host.build_server(tokens)
        register(server, settings)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, port

    server, port = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    with grpc_host.client_channel(f"127.0.0.1:{port}") as channel:
        yield Door(CaseServiceStub(channel), tokens)
    asyncio.run_coroutine_threadsafe(server.stop(None), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture
def place(migrated_db):
    """A fresh region with an order of level dispatch and a confidential case."""
    with region(migrated_db("cases"), NOW) as fresh:
        fresh.run(handle_finding, finding(NOW, hours=3))
        fresh.run(handle_clue, bottle(NOW))
        yield fresh


def order_of(place) -> str:
    """The order, which the plant sees."""
    return next(m.matter_id for m in place.matters() if m.kind.value == "order")


def case_of(place) -> str:
    """The case, which it does not."""
    return next(m.matter_id for m in place.matters() if m.kind.value == "case")


def counts(place) -> list[int]:
    """Rows in the three tables."""
    with place.database.transaction() as session:
        return [session.scalar(text(f"SELECT count(*) FROM {table}")) for table in TABLES]


def test_a_file_is_kept_with_both_digests_and_a_chained_line(place, door):
    """What comes out is what went in, and the timeline names it with size and SM3."""
    body = JPEG * 500

    kept = door.attach(WANG, case_of(place), body, note="采样管", longitude=114.5, latitude=36.6)

    assert kept.sha256 == hashlib.sha256(body).digest()
    assert kept.sm3 == hashlib.new("sm3", body).digest()
    assert (kept.size_bytes, kept.uploaded_by) == (len(body), "o-wang")
    head, back = door.read(LI, kept.attachment_id)
    assert back == body
    assert (head.head.note, head.head.longitude) == ("采样管", 114.5)
    case = next(m for m in place.matters() if m.matter_id == kept.head.matter_id)
    line = case.events[-1]
    assert (line.act, line.seq, line.doer.person_id) == ("attach", kept.seq, "o-wang")
    assert line.fields["sm3"] == kept.sm3.hex()
    assert line.fields["size_bytes"] == str(len(body))
    assert history.first_break(case.matter_id, case.events) is None


def test_fifty_megabytes_pass_with_bounded_memory(place, door):
    """A film goes through the door and comes back while a few pieces are in memory."""
    piece = bytes(range(256)) * (MIB // 256)
    digest = hashlib.sha256()

    def film():
        for number in range(50):
            body = number.to_bytes(4, "big") + b"ftypisom" + piece[12:]
            digest.update(body)
            yield body

    tracemalloc.start()
    kept = door.stream(
        WANG, messages(case_of(place), film(), name="全程.mp4", media_type="video/mp4")
    )
    got, request = hashlib.sha256(), pb.GetAttachmentRequest(attachment_id=kept.attachment_id)
    for answer in door.stub.GetAttachment(request, metadata=door.token(LI)):
        got.update(answer.chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept.size_bytes == 50 * MIB
    assert got.digest() == digest.digest() == kept.sha256
    assert peak < 25 * MIB


def test_a_stream_that_breaks_off_leaves_nothing(place, door):
    """The client dies in the middle: no row, no line, no bytes."""
    case_id = case_of(place)
    version = len(next(m for m in place.matters() if m.matter_id == case_id).events)

    def breaks():
        yield JPEG
        raise ConnectionError

    with pytest.raises(FarsightError):
        door.stream(WANG, messages(case_id, breaks()))

    assert counts(place) == [0, 0, 0]
    assert len(next(m for m in place.matters() if m.matter_id == case_id).events) == version


def test_a_wrong_digest_is_refused_with_both(place, door):
    """Bytes that were damaged on the way are not kept under the announced digest."""
    announced = hashlib.sha256(b"something else").digest()

    with pytest.raises(InputRejected) as refused:
        door.attach(WANG, case_of(place), sha256=announced)

    assert refused.value.facts["stated"] == announced.hex()
    assert refused.value.facts["computed"] == hashlib.sha256(JPEG).hexdigest()
    assert counts(place) == [0, 0, 0]


UNFIT = (
    ({"media_type": "image/png"}, JPEG, "media_type"),
    ({"media_type": "application/pdf"}, b"no pdf at all", "media_type"),
    ({"media_type": "text/html"}, b"<script>", "media_type"),
    ({"media_type": "nonsense"}, JPEG, "media_type"),
    ({"name": "../../etc/passwd"}, JPEG, "name"),
    ({"name": ""}, JPEG, "name"),
    ({"purpose": "fun"}, JPEG, "purpose"),
    ({"sha256": b"short"}, JPEG, "sha256"),
    ({"longitude": 999.0, "latitude": 1.0}, JPEG, "longitude"),
    ({}, b"", "chunk"),
)


def test_what_is_no_evidence_is_refused_by_field(place, door):
    """Each refusal names the field, and nothing is kept."""
    case_id = case_of(place)
    for head, body, field in UNFIT:
        with pytest.raises(InputRejected) as refused:
            door.attach(WANG, case_id, body, **head)

        assert refused.value.facts["field"] == field, head
    assert counts(place) == [0, 0, 0]


def test_a_stream_out_of_order_is_refused(place, door):
    """The head comes first and once; a piece has at most 1 MiB."""
    head, piece = messages(case_of(place), [JPEG])
    for stream in (
        [],
        [piece],
        [head, piece, head],
        [head, pb.AttachRequest(chunk=bytes(MIB + 1))],
    ):
        with pytest.raises(InputRejected):
            door.stream(WANG, iter(stream))

    assert counts(place) == [0, 0, 0]


def test_more_than_the_limit_is_refused_while_it_comes(place, door, monkeypatch):
    """Nobody fills the disk: the stream is cut at the limit of the installation."""
    monkeypatch.setenv("FARSIGHT_ATTACHMENT_MAX_MB", "1")

    with pytest.raises(InputRejected) as refused:
        door.attach(WANG, case_of(place), JPEG * 400)

    assert refused.value.facts["limit"] == str(MIB)
    assert counts(place) == [0, 0, 0]


def test_a_retry_gives_the_same_attachment(place, door):
    """The answer was lost and the phone sends again: one file, one line."""
    case_id = case_of(place)

    first = door.attach(WANG, case_id, request_id="r-1")
    again = door.attach(WANG, case_id, request_id="r-1")

    assert again == first
    assert len(door.listed(WANG, case_id)) == 1
    with pytest.raises(Conflict):
        door.attach(WANG, case_id, PDF, request_id="r-1", media_type="application/pdf")
    other = door.attach(LI, case_id, request_id="r-1")
    assert other.attachment_id != first.attachment_id
    assert counts(place) == [2, 1, 1]


def test_retries_at_the_same_time_leave_one(place, door):
    """Eight streams of one request: the first one counts for all."""
    case_id, answers = case_of(place), []

    def send():
        answers.append(door.attach(WANG, case_id, request_id="r-2").attachment_id)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(answers) == 8
    assert len(set(answers)) == 1
    assert counts(place) == [1, 1, 1]


def test_foreigners_find_no_matter(place, door):
    """The neighbour county, another plant, and the plant itself on a confidential case."""
    for who, matter_id in (
        (NEIGHBOUR, case_of(place)),
        (OTHER_PLANT, order_of(place)),
        (MANAGER, case_of(place)),
    ):
        with pytest.raises(NotFound):
            door.attach(who, matter_id)
        with pytest.raises(NotFound):
            door.listed(who, matter_id)
    with pytest.raises(Forbidden):
        door.attach(PLATFORM, case_of(place))
    assert counts(place) == [0, 0, 0]


def test_the_plant_sees_its_own_files_only(place, door):
    """On its own order it hands in a photo; what the officer handed in stays inside."""
    order_id = order_of(place)
    own = door.attach(MANAGER, order_id)
    inside = door.attach(WANG, order_id, PDF, name="核查.pdf", media_type="application/pdf")

    seen = door.listed(MANAGER, order_id)

    assert [one.attachment_id for one in seen] == [own.attachment_id]
    assert len(door.listed(WANG, order_id)) == 2
    assert door.read(MANAGER, own.attachment_id)[1] == JPEG
    with pytest.raises(NotFound):
        door.read(MANAGER, inside.attachment_id)
    with pytest.raises(NotFound):
        door.read(NEIGHBOUR, own.attachment_id)


def test_a_line_about_a_file_that_nobody_handed_in_is_refused(place):
    """The act `attach` by hand, with invented digests, finds its gate shut."""
    fields = {
        "attachment_id": "a", "name": "n", "purpose": "photo", "media_type": "image/png",
        "size_bytes": "1", "sha256": "00", "sm3": "00",
    }  # fmt: skip
    with place.database.transaction() as session, pytest.raises(RuleViolated, match="附件通道"):
        act_on_matter(session, WANG, Request(case_of(place), "attach", fields), NOW)


def test_no_row_of_a_file_can_be_changed_or_deleted(place, door):
    """As the service's own role, and by the trigger as the owner."""
    door.attach(WANG, case_of(place))
    for table, column in zip(TABLES, ("name", "body", "sm3"), strict=True):
        for statement in (
            f"UPDATE {table} SET {column} = {column}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
        ):
            with pytest.raises(DBAPIError, match="permission denied"):
                place.execute(statement)
            with pytest.raises(DBAPIError, match="append-only"):
                place.execute("RESET ROLE", statement)


def test_a_changed_byte_is_data_loss(place, door):
    """Somebody with the owner's rights changes the file: nobody is given it as evidence."""
    case_id = case_of(place)
    kept = door.attach(WANG, case_id, JPEG * 300)
    place.execute(
        "RESET ROLE",
        "ALTER TABLE attachment_chunk DISABLE TRIGGER append_only",
        "UPDATE attachment_chunk SET body = set_byte(body, 1000, 7) WHERE number = 1",
        "ALTER TABLE attachment_chunk ENABLE TRIGGER append_only",
    )

    with pytest.raises(DataLost) as lost:
        door.read(WANG, kept.attachment_id)
    assert lost.value.facts["wanted"] == kept.sha256.hex()
    with pytest.raises(DataLost):
        door.attach(WANG, case_id, JPEG * 300)


def test_the_spool_forgets_what_it_held(tmp_path, monkeypatch):
    """A file that went to the disk is gone with its stream, whatever ended it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with attachment_spool.Spool(10 * MIB) as spool:
        for _ in range(3):
            spool.add(b"x" * MIB)

    assert list(tmp_path.iterdir()) == []
