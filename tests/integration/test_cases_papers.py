"""Documents on a real PostgreSQL: made by acts, numbered without gaps, seen once served."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import threading

import grpc
import pytest
from sqlalchemy.exc import DBAPIError

from services.cases import paper_print, paper_store
from services.cases.app.check_citations import check_citations
from services.cases.app.handle_finding import handle_finding
from services.cases.app.preview_paper import Wish, preview_paper
from services.cases.app.print_sheet import print_sheet
from services.cases.app.read_papers import Shown, list_papers, read_paper, verify_paper
from services.cases.domain.matter import Kind, Matter
from services.cases.domain.references import Standing
from services.cases.door import register
from services.chassis import grpc_host
from services.chassis.clock import BEIJING
from services.chassis.errors import Forbidden, InputRejected, NotFound, RuleViolated
from services.chassis.identity import Tokens, create_token_key
from services.chassis.pb.cases.v1 import paper_pb2 as papers_pb
from services.chassis.pb.cases.v1.paper_pb2_grpc import PaperServiceStub
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.replica import apply_records
from services.chassis.settings import ChassisSettings
from tests.integration.cases_rig import (
    LEADER,
    MANAGER,
    NEIGHBOUR,
    OTHER_PLANT,
    WANG,
    ZHAO,
    Region,
    finding,
    region,
    registry_records,
)
from tests.integration.test_cases_door import Door as CaseDoor
from tests.integration.test_cases_penalty import NOTICE, REVIEWED, proposed, serve

NOW = dt.datetime(2026, 11, 2, 10, 30, tzinfo=BEIJING)


class Door(CaseDoor):
    """A client of `PaperService` that can speak as anybody; streams come as lists."""

    def call(self, who, method: str, request):
        """Call as `who`; errors come back typed."""
        try:
            answer = getattr(self.stub, method)(request, metadata=self.token(who), timeout=10)
            return list(answer) if isinstance(answer, grpc.RpcContext) else answer
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error


@pytest.fixture
def place(migrated_db):
    """A fresh region."""
    with region(migrated_db("cases"), NOW) as fresh:
        yield fresh


def notified(place: Region) -> Matter:
    """A case whose notice and hearing rights were issued."""
    case = proposed(place)
    place.act(ZHAO, case, "review_case", opinion="同意", **REVIEWED)
    return place.act(LEADER, case, "issue_notice", **NOTICE)


def seen(place: Region, who, case: Matter) -> list[Shown]:
    """Documents of the family that somebody sees."""
    with place.database.transaction() as session:
        return list_papers(session, who, case.matter_id, family=True)


def test_an_act_issues_its_papers_with_number_digests_and_chain(place: Region):
    """The notice: number of the branch office, facts of the record, digests named in the chain."""
    case = notified(place)

    papers = {one.kept.paper.template: one for one in seen(place, WANG, case)}
    notice = papers["penalty_notice"].kept
    rights = papers["hearing_rights_notice"].kept
    with place.database.transaction() as session:
        pdf = paper_store.pdf_of(session, notice.paper.paper_id)
        html = paper_store.html_of(session, notice.paper.paper_id)
        verdict = verify_paper(session, WANG, hashlib.sha256(pdf).digest())
        foreign = verify_paper(session, WANG, bytes(32))
        neighbour = verify_paper(session, NEIGHBOUR, notice.paper.sm3)
    text = paper_print.text_of(html)
    assert notice.paper.number == "邯山环罚告字〔2026〕1号"
    assert notice.agency == "邯郸市生态环境局邯山区分局"
    assert "人民币贰拾贰万元整（¥220000.00）" in text
    assert "二〇二六年十一月二日" in text
    assert "《中华人民共和国生态环境法典》第一千一百零七条" in text
    assert notice.paper.number in paper_print.text_of(
        place.run(lambda session, _: paper_store.html_of(session, rights.paper.paper_id))
    )
    assert pdf.startswith(b"%PDF-")
    assert paper_print.print_page(html).pdf == pdf
    assert f"sm3:{notice.paper.sm3.hex()}" in case.last("issue_notice").fields["papers"]
    assert (verdict.intact, verdict.chained) == (True, True)
    assert foreign.shown is None
    assert neighbour.shown is None
    for role in ((), ("RESET ROLE",)):
        for statement in ("UPDATE paper SET title = ''", "DELETE FROM paper"):
            with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
                place.execute(*role, statement)


def test_a_plant_sees_a_paper_once_it_was_served(place: Region):
    """Not the notice before it arrived, never the internal forms, nobody else's."""
    case = notified(place)
    with pytest.raises(NotFound):
        seen(place, MANAGER, case)

    serve(place, "penalty_notice")

    (notice,) = seen(place, MANAGER, case)
    hidden = [
        one for one in seen(place, WANG, case) if one.kept.paper.template == "filing_approval"
    ]
    assert notice.kept.paper.template == "penalty_notice"
    assert notice.served_on == "2026-11-02"
    with place.database.transaction() as session:
        with pytest.raises(NotFound):
            read_paper(session, MANAGER, hidden[0].kept.paper.paper_id)
        with pytest.raises(NotFound):
            read_paper(session, OTHER_PLANT, notice.kept.paper.paper_id)
        with pytest.raises(Forbidden):
            check_citations(session, MANAGER, case.matter_id, "邯山环罚字〔2026〕1号")


def test_a_paper_that_cites_a_number_of_no_paper_is_not_issued(place: Region):
    """The Wengniute notice: the wrong number is named, with what was meant; nothing was used up."""
    with pytest.raises(RuleViolated, match="本案没有文号 邯山环罚字〔2026〕7号"):
        proposed(place, facts="见邯山环罚字[2026]7号所述")

    case = place.only()
    with place.database.transaction() as session:
        cited = check_citations(
            session,
            WANG,
            case.matter_id,
            f"{case.number}、京环罚字〔2020〕9号、邯山环罚字〔2026〕1号",
        )
        number = paper_store.issue_number(session, "邯山", "罚", 2026)
    standings = [one.reference.standing for one in cited]
    assert standings == [Standing.KNOWN, Standing.EXTERNAL, Standing.UNKNOWN]
    assert number.serial == 1


def test_what_a_template_needs_and_the_record_lacks_is_named(place: Region):
    """A plant without an address gets no notice with an empty line."""
    (plant,) = [one for one in registry_records() if one.kind == pb.RECORD_KIND_ENTERPRISE]
    plant.revision, plant.enterprise.address = 99, ""
    place.run(lambda session, _: apply_records(session, [plant]))

    with pytest.raises(RuleViolated) as refused:
        proposed(place)

    assert refused.value.facts["missing"] == "当事人住所"


def test_numbers_have_no_gap_and_no_double_with_two_transactions_and_a_rollback(place: Region):
    """The second waits for the first; a failed one gives its number back; years begin with 1."""
    given: list[int] = []
    first_has_it, second_waits = threading.Event(), threading.Event()

    def second() -> None:
        first_has_it.wait(10)
        with place.database.transaction() as session:
            second_waits.set()
            given.append(paper_store.issue_number(session, "邯山", "罚", 2026).serial)

    thread = threading.Thread(target=second)
    thread.start()
    with place.database.transaction() as session:
        first = paper_store.issue_number(session, "邯山", "罚", 2026).serial
        first_has_it.set()
        second_waits.wait(10)
        assert given == []
    thread.join(10)
    with place.database.transaction() as session:
        failed = paper_store.issue_number(session, "邯山", "罚", 2026).serial
        session.rollback()
    with place.database.transaction() as session:
        again = paper_store.issue_number(session, "邯山", "罚", 2026).serial
        other = paper_store.issue_number(session, "邯山", "罚", 2027).serial

    assert (first, given, failed, again, other) == (1, [2], 3, 3, 1)


def test_a_draft_uses_no_number_and_names_what_is_missing(place: Region):
    """Drafts are for the authority; one of a matter that the act would open is shown too."""
    case = proposed(place)
    place.act(ZHAO, case, "review_case", opinion="同意", **REVIEWED)
    wish = Wish(case.matter_id, "issue_notice", NOTICE)
    order = {"officer_2": "o-li", "violation": "exceed_air", "recognised": "on_the_spot"}
    order |= {"facts": "烟气超标", "clauses": "生态环境法典第一千一百零七条"}

    with place.database.transaction() as session:
        draft = preview_paper(session, LEADER, wish, NOW)
        lacking = preview_paper(
            session, WANG, Wish(case.matter_id, "order_rectification", order), NOW
        )
        with pytest.raises(NotFound):
            preview_paper(session, MANAGER, wish, NOW)
        number = paper_store.issue_number(session, "邯山", "罚告", 2026)

    assert draft.printed is not None
    assert "草稿" in draft.printed.text
    assert "（文号待编）" in draft.printed.text
    assert (lacking.template.key, lacking.missing) == ("rectification_order", ("责令改正的内容",))
    assert number.serial == 1


def test_a_sheet_has_the_same_bytes_until_its_order_moves(place: Region):
    """Rendered on demand under the order's own number; a plant sees its own without checks."""
    place.run(handle_finding, finding(NOW, hours=3))
    order = next(one for one in place.matters() if one.kind is Kind.ORDER)

    with place.database.transaction() as session:
        number, sheet = print_sheet(session, WANG, order.matter_id, NOW)
        _, later = print_sheet(session, WANG, order.matter_id, NOW + dt.timedelta(days=9))
        _, own = print_sheet(session, MANAGER, order.matter_id, NOW)
        with pytest.raises(NotFound):
            print_sheet(session, OTHER_PLANT, order.matter_id, NOW)

    assert number == order.number
    assert number in sheet.text
    assert "小时均值 41.25 mg/m3 超过限值 35 mg/m3" in own.text
    assert sheet.pdf == later.pdf


@pytest.fixture
def door(place: Region, migrated_db, tmp_path):
    """The door on a free port of this machine, over the region's database."""
    key = tmp_path / "token.jwk"
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
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Door(PaperServiceStub(channel), tokens)
    asyncio.run_coroutine_threadsafe(server.stop(0), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def test_the_door_gives_lists_drafts_checks_and_verifies(place: Region, door: Door):
    """Each call over the wire, with its errors typed."""
    case = notified(place)
    matter = case.matter_id

    listed = door.call(WANG, "ListPapers", papers_pb.ListPapersRequest(matter_id=matter)).papers
    notice = next(one for one in listed if one.key == "penalty_notice")
    get = papers_pb.GetPaperRequest(paper_id=notice.paper_id)
    head, *pieces = door.call(WANG, "GetPaper", get)
    pdf = b"".join(piece.chunk for piece in pieces)
    draft = papers_pb.PreviewPaperRequest(matter_id=matter, act="attach")
    verified = door.call(ZHAO, "VerifyPaper", papers_pb.VerifyPaperRequest(pdf=pdf))
    changed = door.call(ZHAO, "VerifyPaper", papers_pb.VerifyPaperRequest(pdf=pdf + b"\n"))
    checked = door.call(
        LEADER, "CheckReferences", papers_pb.CheckReferencesRequest(matter_id=matter)
    )

    assert [one.key for one in listed] == [
        "filing_approval", "investigation_report", "penalty_notice", "hearing_rights_notice",
    ]  # fmt: skip
    assert head.paper.facts["number"] == notice.number
    assert hashlib.sha256(pdf).digest() == notice.sha256
    assert (verified.issued, verified.intact, verified.current, verified.chained) == (True,) * 4
    assert not changed.issued
    assert checked.correct
    assert notice.number in {one.number for one in checked.references}
    for who, method, request, error in (
        (NEIGHBOUR, "ListPapers", papers_pb.ListPapersRequest(matter_id=matter), NotFound),
        (MANAGER, "GetPaper", get, NotFound),
        (WANG, "PreviewPaper", draft, InputRejected),
        (WANG, "VerifyPaper", papers_pb.VerifyPaperRequest(), InputRejected),
    ):
        with pytest.raises(error):
            door.call(who, method, request)
