"""A case goes to the police: real cases, ingest, referral, notify and doors, one bundle."""

import argparse
import datetime as dt
import io
import json
import zipfile

import grpc
import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from farsight import verify as command
from services.cases.app.handle_clue import handle_clue
from services.chassis import grpc_host, sm
from services.chassis.bus.publish import Publisher
from services.chassis.clock import utc_now
from services.chassis.errors import Conflict, Forbidden, NotFound, RuleViolated
from services.chassis.identity import Actor, Role
from services.chassis.partition import partition_of
from services.chassis.pb.ingest.v1 import ingest_pb2
from services.chassis.pb.notify.v1 import notify_pb2, notify_pb2_grpc
from services.chassis.pb.referral.v1 import referral_pb2 as pb
from services.chassis.pb.referral.v1 import referral_pb2_grpc
from services.chassis.pb.registry.v1 import registry_pb2 as registry_pb
from services.ingest.gate.columns import BatchBuilder
from services.ingest.hj212.encode import encode_frame
from services.ingest.hj212.messages import FactorValues
from services.referral.domain.verify import verify
from tests.integration import cases_rig as cr
from tests.integration.notify_rig import Rig, rig, wait_until

pytestmark = pytest.mark.timeout(240)

NOW = utc_now().replace(minute=30, second=0, microsecond=0)
POLICE = Actor("u-police", Role.POLICE, "130400", name="民警", officer_id="p-1")
OTHER_POLICE = Actor("u-police-2", Role.POLICE, "130100", name="外市民警", officer_id="p-2")
PROCURATOR = Actor("u-procurator", Role.PROCURATOR, "130400", name="检察官", officer_id="j-1")
OPERATOR = Actor("u-operator", Role.OPERATOR, "130000")
HOURS = 30


def agencies() -> registry_pb.RecordsChanged:
    """Two police units, a procuratorate, and the people who get the texts."""
    people = [
        ("p-1", "130400", "police"),
        ("j-1", "130400", "procurator"),
        ("o-wang", cr.COUNTY, "officer"),
    ]
    records = [
        registry_pb.Record(
            kind=registry_pb.RECORD_KIND_AGENCY,
            key=key,
            agency=registry_pb.Agency(agency_id=key, kind=kind, name=name, division=division),
        )
        for key, kind, name, division in (
            ("police-130400", "police", "邯郸市公安局环安支队", "130400"),
            ("police-130100", "police", "石家庄市公安局环安支队", "130100"),
            ("procuratorate-130400", "procuratorate", "邯郸市人民检察院", "130400"),
        )
    ]
    records += [
        registry_pb.Record(
            kind=registry_pb.RECORD_KIND_OFFICER,
            key=key,
            officer=registry_pb.Officer(
                officer_id=key, name=key, division=division, role=role, phone=f"1600000000{n}"
            ),
        )
        for n, (key, division, role) in enumerate(people)
    ]
    plant = [one for one in cr.registry_records() if not one.HasField("officer")]
    records = [*plant, *records]
    for revision, record in enumerate(records, start=100):
        record.revision = revision
    return registry_pb.RecordsChanged(records=records)


def send_frames(desk: Rig) -> list[bytes]:
    """Hour frames of the bottle days, in one batch as the gate publishes it; gives their bytes."""
    part = partition_of(cr.OUTLET, 2)
    builder = BatchBuilder(part, "test-gate")
    raws = []
    start = NOW.replace(minute=0) - dt.timedelta(hours=HOURS)
    for hour in range(HOURS):
        at = start + dt.timedelta(hours=hour)
        stamp = (at + dt.timedelta(hours=8)).strftime("%Y%m%d%H0000")
        segment = (
            f"QN={stamp}000;ST=32;CN=2061;PW=123456;MN=F{1:023X};Flag=4;"
            f"CP=&&DataTime={stamp};w01018-Avg=20.0,w01018-Flag=N&&"
        )
        raw = encode_frame(segment.encode())
        frame = ingest_pb2.Frame(
            mn=f"F{1:023X}", outlet_id=cr.OUTLET, cn="2061", qn=f"{stamp}000",
            data_time_s=int(at.timestamp()), outcome=ingest_pb2.OUTCOME_ACCEPTED, raw=raw,
            sm3=sm.sm3(raw), received_at_us=int(utc_now().timestamp() * 1e6), peer="10.0.0.1:1",
            raw_size=len(raw),
        )  # fmt: skip
        builder.add(frame, [FactorValues("w01018", 20.0, flag="N")], None)
        raws.append(raw)
    batch = builder.seal()
    Publisher(desk.amqp_uri).publish(
        batch.SerializeToString(), exchange="farsight.readings", routing_key=f"p{part}",
        properties={"message_id": batch.batch_id, "type": batch.DESCRIPTOR.full_name}, headers={},
    )  # fmt: skip
    return raws


class Office:
    """The referral door as one side uses it."""

    def __init__(self, desk: Rig, channel: grpc.Channel) -> None:
        self._desk, self.channel = desk, channel
        self._stub = referral_pb2_grpc.ReferralServiceStub(channel)

    def _call(self, method, request, who: Actor):
        try:
            return method(request, metadata=self._desk.token(who), timeout=20)
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error

    def list(self, who: Actor, state: str = "open") -> list[pb.Referral]:
        """What somebody sees."""
        request = pb.ListReferralsRequest(state=state)
        return list(self._call(self._stub.ListReferrals, request, who).referrals)

    def get(self, who: Actor, referral_id: str) -> pb.Referral:
        """One referral."""
        request = pb.GetReferralRequest(referral_id=referral_id)
        return self._call(self._stub.GetReferral, request, who).referral

    def act(self, who: Actor, referral_id: str, act: str, *, reason="", version=0, **fields: str):
        """Take an act."""
        request = pb.ReferralServiceActRequest(
            referral_id=referral_id, act=act, fields=fields, reason=reason, expected_version=version
        )
        return self._call(self._stub.Act, request, who).referral

    def download(self, who: Actor, referral_id: str) -> bytes:
        """The bundle's bytes."""
        request = pb.DownloadBundleRequest(referral_id=referral_id)
        try:
            parts = self._stub.DownloadBundle(request, metadata=self._desk.token(who), timeout=60)
            return b"".join(part.chunk for part in parts)
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error


@pytest.fixture(scope="module")
def desk(migrated_db, amqp_uri, tmp_path_factory):
    """All services of this story, running, the agencies known."""
    url = migrated_db("cases", "ingest", "referral", "notify")
    with rig(url, amqp_uri, tmp_path_factory.mktemp("referral")) as made:
        made.handset()
        for name in ("ingest", "referral", "notify"):
            made.start("services.chassis.host", name)
        made.publish(agencies())
        yield made


@pytest.fixture(scope="module")
def office(desk):
    """The doors of referral and notify."""
    return Office(desk, desk.doors("referral", "notify"))


@pytest.fixture(scope="module")
def case(desk):
    """A case whose referral the leader approved; its frames are in the ledger."""
    raws = send_frames(desk)
    wait_until(lambda: desk.rows("SELECT count(*) AS n FROM ingest.ledger")[0]["n"] == len(raws))
    with cr.region(desk.database_url, NOW) as region:
        clue = cr.bottle(NOW)
        for one in clue.findings:
            one.start.FromDatetime(NOW.replace(minute=0) - dt.timedelta(hours=HOURS))
        region.run(handle_clue, clue)
        matter = region.only()
        visited = {**cr.VISIT, "visited_on": NOW.date().isoformat()}
        told = {**cr.FINDINGS, "party_told_on": NOW.date().isoformat()}
        region.act(cr.WANG, matter, "verify", **visited)
        region.act(cr.LEADER, matter, "file_case", **cr.FOUR)
        region.act(cr.WANG, matter, "finish_investigation", **told)
        region.act(cr.ZHAO, matter, "review_technical", **cr.TECHNICAL)
        region.act(cr.LEADER, matter, "review_legal", **cr.LEGAL)
        region.act(cr.WANG, matter, "request_referral", **cr.REPORT)
        region.act(cr.LEADER, matter, "approve_referral")
        desk.start("services.chassis.host", "cases")
        yield region, raws


def frozen(office: Office) -> pb.Referral:
    """The referral once its bundle stands."""
    found = wait_until(lambda: [r for r in office.list(cr.LEADER) if r.bundle_size], 60)
    return found[0]


def test_the_bundle_holds_the_frames_as_they_arrived_and_verifies_offline(
    desk, office, case, tmp_path, capsys
):
    """Raw frames with ledger proofs, chained timeline, papers; a flipped byte is named."""
    _, raws = case
    one = frozen(office)

    archive = office.download(cr.LEADER, one.referral_id)
    report = verify(archive, one.key_fingerprint)

    assert report.problems == ()
    assert (report.frames_proven, report.frames_open) == (HOURS, 0)
    assert report.timeline_lines >= 8
    assert sm.sm3(archive) == one.bundle_sm3
    opened = zipfile.ZipFile(io.BytesIO(archive))
    frames = [opened.read(name) for name in sorted(opened.namelist()) if name.endswith(".hj212")]
    assert frames == raws
    assert {"transfer/letter.html", "transfer/report.html", "transfer/items.csv"} <= set(
        opened.namelist()
    )
    letter = opened.read("transfer/letter.html").decode()
    assert "污染环境罪" in letter
    listed = opened.read("transfer/items.csv").decode().splitlines()[1:]
    assert f"共 {len(listed)} 项" in letter
    assert len(listed) + 3 == len(opened.namelist())  # manifest, signature and the list itself
    assert "邯郸市公安局环安支队" in letter
    findings = sorted(name for name in opened.namelist() if name.startswith("findings/"))
    assert [name.rpartition(".")[2] for name in findings] == ["json", "svg"] * 2
    assert opened.read(findings[1]).startswith(b"<svg")
    assert json.loads(opened.read(findings[0]))["rule_id"] == "low_variance_part_of_day"
    assert opened.read("readings/hour.csv").decode().count("w01018,20,") == HOURS

    bad = tmp_path / "bad.zip"
    bad.write_bytes(
        archive.replace(raws[7], raws[7].replace(b"w01018-Avg=20.0", b"w01018-Avg=21.0"))
    )
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args([str(bad)])) == 1
    assert "frames/000008.hj212" in capsys.readouterr().out


def test_the_way_to_the_police_with_each_side_seeing_its_own(desk, office, case):
    """Handed over, supplemented, accepted, filed; the case follows, texts arrive, clocks end."""
    region, _ = case
    one = frozen(office)
    key = one.referral_id
    assert one.state == "prepared"
    assert [c.key for c in one.clocks if c.state == "running"] == ["crime_hand_over"]

    # Nobody outside hears of it before it is handed over.
    assert office.list(POLICE) == office.list(PROCURATOR) == []
    for who in (POLICE, PROCURATOR, cr.NEIGHBOUR):
        with pytest.raises(NotFound):
            office.get(who, key)
    with pytest.raises((Forbidden, NotFound)):
        office.download(cr.MANAGER, key)
    with pytest.raises(Forbidden):
        office.list(OPERATOR)
    with pytest.raises(NotFound):
        office.act(POLICE, key, "receive")
    with pytest.raises(Forbidden):
        office.act(cr.WANG, key, "file", decision_number="立1")
    with pytest.raises(Conflict):
        office.act(cr.WANG, key, "hand_over", version=one.version + 7)

    handed = office.act(cr.WANG, key, "hand_over", version=one.version)
    assert (handed.state, handed.clocks[0].state) == ("handed_over", "satisfied")
    wait_until(lambda: region.only().state == "with_police")
    assert [r.referral_id for r in office.list(POLICE)] == [key]
    assert office.download(PROCURATOR, key) == office.download(POLICE, key)
    assert office.get(PROCURATOR, key).allowed[0].act == "opinion"
    assert office.list(OTHER_POLICE) == []

    assert [a.act for a in office.get(POLICE, key).allowed] == ["receive"]
    office.act(POLICE, key, "receive")
    with pytest.raises(RuleViolated) as refused:
        office.act(POLICE, key, "request_supplement")
    assert refused.value.facts["missing"] == "missing"
    office.act(POLICE, key, "request_supplement", missing="视频资料")
    assert office.get(POLICE, key).allowed == []
    office.act(cr.LI, key, "supplement", material="视频光盘 1 张")
    office.act(POLICE, key, "accept")
    office.act(PROCURATOR, key, "opinion", reason="请及时审查")
    with pytest.raises(RuleViolated):
        office.act(POLICE, key, "refuse", decision_number="不1")
    filed = office.act(POLICE, key, "file", decision_number="邯公（环）立字〔2026〕1号")
    done = office.act(POLICE, key, "give_notice", served_on="2026-11-23")

    assert (filed.outcome, filed.state) == ("filed", "filed")
    assert {clock.state for clock in done.clocks} == {"satisfied"}
    assert [line.act for line in done.timeline] == [
        "request", "freeze", "hand_over", "receive", "request_supplement", "supplement",
        "accept", "opinion", "file", "give_notice",
    ]  # fmt: skip
    wait_until(lambda: region.only().state == "police_filed")
    wait_until(
        lambda: any(t["phone"] == "16000000000" and one.number in t["text"] for t in desk.texts())
    )
    wait_until(lambda: any(t["phone"] == "16000000001" for t in desk.texts()))


def test_the_history_cannot_be_changed_by_the_service_itself(desk, office, case):
    """The role of the service may add lines, not alter or remove them."""
    frozen_or_done = office.list(cr.LEADER, "all")
    assert frozen_or_done
    for statement in (
        "UPDATE referral.referral_events SET seq = 9",
        "DELETE FROM referral.referral_events",
    ):
        with psycopg.connect(desk.database_url) as connection:
            connection.execute("SET ROLE farsight_referral")
            with pytest.raises(InsufficientPrivilege):
                connection.execute(statement)


def test_texts_are_listed_to_their_own_jurisdiction_with_masked_numbers(desk, office, case):
    """Notify's door: the county sees its texts, a neighbour and the police do not."""
    stub = notify_pb2_grpc.NotifyServiceStub(office.channel)
    request = notify_pb2.ListSendingsRequest(page_size=2)

    def ask(who: Actor):
        try:
            return stub.ListSendings(request, metadata=desk.token(who), timeout=10)
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error

    mine = wait_until(lambda: len(ask(cr.WANG).sendings) == 2 and ask(cr.WANG))
    assert all(one.division == cr.COUNTY for one in mine.sendings)
    assert all("****" in one.phone_masked for one in mine.sendings if one.phone_masked)
    assert mine.next_page_token == mine.sendings[-1].sending_id
    assert list(ask(cr.NEIGHBOUR).sendings) == []
    for who in (POLICE, cr.MANAGER):
        with pytest.raises(Forbidden):
            ask(who)
