"""The registry's door over real gRPC and PostgreSQL: seed, sync, CSV, rights, sign-in, copies."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from farsight.lab import seed as seeding
from farsight.lab.province import read_rows
from services.chassis.db import Database, sqlalchemy_url
from services.chassis.errors import Conflict, Forbidden, InputRejected, NotFound, Unauthenticated
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from tests.integration.registry_rig import OPERATOR_PASSWORD, Door, seeded_door

CITY = "130400"


@pytest.fixture(scope="module")
def door(
    migrated_db: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """The doors process serving the registry."""
    folder = tmp_path_factory.mktemp("registry")
    with seeded_door(migrated_db("registry"), folder, "registry") as running:
        yield running


def outlet(division: str) -> dict[str, str]:
    """Some demo outlet of a county."""
    return next(row for row in read_rows("outlets") if row["division"] == division)


def test_seeding_again_changes_nothing(door: Door) -> None:
    """The whole province a second time: no record, change row or event is added."""
    before = door.scalar("SELECT count(*) FROM registry.change")

    again = seeding.seed(door.address, OPERATOR_PASSWORD, with_accounts=True, wait_s=5)

    assert (again.created, again.updated, list(again.errors)) == (0, 0, [])
    assert again.unchanged > 1000
    assert door.scalar("SELECT count(*) FROM registry.change") == before


def test_every_record_has_a_change_row_and_went_into_the_outbox(door: Door) -> None:
    """State, history and events agree: each record's last change row has its revision."""
    records = door.scalar("SELECT count(*) FROM registry.record")
    explained = door.scalar(
        "SELECT count(*) FROM registry.record r JOIN registry.change c USING (key, revision)"
    )
    engine = create_engine(sqlalchemy_url(door.database_url))
    with engine.begin() as connection:
        bodies = connection.scalars(text("SELECT body FROM registry.outbox")).all()
    events = [pb.RecordsChanged.FromString(body) for body in bodies]

    assert explained == records
    assert {(r.kind, r.key) for event in events for r in event.records} == {
        (r.kind, r.key)
        for page in door.stub.Snapshot(pb.SnapshotRequest(), metadata=door.operator.metadata())
        for r in page.records
    }
    assert max(len(event.records) for event in events) <= 500


def test_a_change_row_can_be_neither_changed_nor_deleted(door: Door) -> None:
    """The service's own database role has no right to it."""
    database = Database(door.database_url, "registry")

    for statement in ("UPDATE change SET actor_id = 'x'", "DELETE FROM change"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            database.transaction() as session,
        ):
            session.execute(text(statement))


def test_a_wrong_password_and_an_unknown_name_sound_the_same(door: Door) -> None:
    """No difference tells which names exist."""
    with pytest.raises(Unauthenticated) as wrong:
        door.client("operator", "not the password").sign_in()
    with pytest.raises(Unauthenticated) as unknown:
        door.client("nobody.at.all", "not the password").sign_in()

    assert str(wrong.value) == str(unknown.value)


def test_too_many_wrong_passwords_lock_the_account_for_a_while(door: Door) -> None:
    """After eight failures even the right password is refused until the lock ends."""
    for _ in range(8):
        with pytest.raises(Unauthenticated):
            door.client("leader.130283", "wrong").sign_in()

    with pytest.raises(Unauthenticated):
        door.client("leader.130283").sign_in()
    door.scalar(
        "UPDATE registry.account SET locked_until = now() - interval '1 second'"
        " WHERE user_name = 'leader.130283' RETURNING 1"
    )
    door.client("leader.130283").sign_in()


def test_a_token_carries_the_account_and_can_be_refreshed(door: Door) -> None:
    """Role, jurisdiction and the scripted mark come with it; a call without a token fails."""
    client = door.client("officer1.130481")
    client.sign_in()

    fresh = client.call(door.stub.RefreshToken, pb.RefreshTokenRequest())

    assert (client.account.role, client.account.division) == ("officer", "130481")
    assert client.account.scripted
    assert client.account.password == ""
    assert fresh.token
    with pytest.raises(grpc.RpcError) as refused:
        door.stub.RefreshToken(pb.RefreshTokenRequest(), timeout=5)
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    ("user", "prefix"),
    [
        ("officer1.130000", "13"),
        ("officer1.130400", "1304"),
        ("officer5.130481", "130481"),
        ("police.130400", "1304"),
    ],
)
def test_an_officer_sees_the_own_jurisdiction_and_nothing_else(
    door: Door, user: str, prefix: str
) -> None:
    """Enterprises, outlets and limits of a prefix, all of them and no other, over many pages."""
    client = door.client(user)
    outlets = {r["outlet_id"] for r in read_rows("outlets") if r["division"].startswith(prefix)}
    limits = {r["limit_id"] for r in read_rows("limits") if r["outlet_id"] in outlets}

    assert {r.key for r in door.all_of(client, pb.RECORD_KIND_OUTLET)} == outlets
    assert {r.key for r in door.all_of(client, pb.RECORD_KIND_LIMIT)} == limits


def test_an_enterprise_sees_itself_only_and_no_secret(door: Door) -> None:
    """Its own outlets and loggers, without the logger's password; no officer, no neighbour."""
    row = next(r for r in read_rows("accounts") if r["user_name"] == "plant01")
    client = door.client("plant01")

    loggers = door.all_of(client, pb.RECORD_KIND_LOGGER)

    assert {r.logger.outlet_id[:18] for r in loggers} == {row["credit_code"]}
    assert {r.logger.password for r in loggers} == {""}
    assert door.all_of(client, pb.RECORD_KIND_OFFICER) == []
    other = outlet("130109")["outlet_id"]
    with pytest.raises(NotFound):
        client.call(door.stub.GetRecord, pb.GetRecordRequest(kind=pb.RECORD_KIND_OUTLET, key=other))


def test_meter_pairs_and_orders_are_shown_to_their_plant_and_its_officers(door: Door) -> None:
    """A platform sends an order and takes it back; the plant and its county see it, others not."""
    pair = read_rows("meter_pairs")[0]
    plant, start = pair["outlet_id"].partition("-")[0], "2026-11-20T10:00:00+00:00"
    text = f"order_id,credit_code,level,measure,start,end,source\nG-1,{plant},red,stop,{start},"
    text += "2026-11-20T20:00:00+08:00,冀气指办〔2026〕1号\n"
    kind = pb.RECORD_KIND_CONTROL_ORDER
    platform = door.client("platform.130000")

    sent = platform.call(door.stub.ImportCsv, pb.ImportCsvRequest(kind=kind, csv=text))
    again = platform.call(door.stub.ImportCsv, pb.ImportCsvRequest(kind=kind, csv=text))
    seen = {
        user: [
            [r.key for r in door.all_of(door.client(user), kind)],
            pair["pair_id"]
            in {r.key for r in door.all_of(door.client(user), pb.RECORD_KIND_METER_PAIR)},
        ]
        for user in ("plant09", "officer1.130481", "officer1.130400", "plant01", "officer1.130109")
    }
    record = platform.call(door.stub.GetRecord, pb.GetRecordRequest(kind=kind, key="G-1")).record
    exported = platform.call(door.stub.ExportCsv, pb.ExportCsvRequest(kind=kind))

    assert (sent.result.created, again.result.unchanged) == (1, 1)
    assert record.control_order.start.ToJsonString() == "2026-11-20T10:00:00Z"
    assert start in "".join(part.csv for part in exported)
    assert [seen[u] for u in ("plant09", "officer1.130481", "officer1.130400")] == [
        [["G-1"], True]
    ] * 3
    assert [seen[u] for u in ("plant01", "officer1.130109")] == [[[], False]] * 2


def test_phones_are_shown_to_operators_only(door: Door) -> None:
    """Personal data: an officer lists colleagues without their numbers."""
    officer = door.all_of(door.client("officer1.130400"), pb.RECORD_KIND_OFFICER)
    operator = door.all_of(door.operator, pb.RECORD_KIND_OFFICER)

    assert {r.officer.phone for r in officer} == {""}
    assert all(r.officer.phone.startswith("1600000") for r in operator)


def test_a_county_sees_the_agencies_of_its_city(door: Door) -> None:
    """A county has no police unit of its own; the city's serves it."""
    agencies = door.all_of(door.client("officer5.130481"), pb.RECORD_KIND_AGENCY)

    assert {r.agency.division for r in agencies} == {CITY}
    assert {r.agency.kind for r in agencies} == {"police", "procuratorate"}


def test_an_officer_may_not_write_nor_look_beyond(door: Door) -> None:
    """Sync, upsert and a foreign division are forbidden; a whole copy too."""
    client = door.client("officer1.130481")

    with pytest.raises(Forbidden):
        client.call(door.stub.Sync, iter([pb.SyncRequest()]))
    request = pb.ListRecordsRequest(kind=pb.RECORD_KIND_OUTLET, division="130100")
    with pytest.raises(Forbidden):
        client.call(door.stub.ListRecords, request)
    with pytest.raises(grpc.RpcError) as refused:
        list(door.stub.Snapshot(pb.SnapshotRequest(), metadata=client.metadata(), timeout=5))
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED


def test_a_platform_writes_inside_its_province_only(door: Door) -> None:
    """A province's machine account can't move a neighbour's records, nor make accounts."""
    client = door.client("platform.130000")
    abroad = pb.Division(code="370000", name="山东省", level="province")
    home = pb.Team(team_id="t-new", name="新队", division="130481")
    records = [
        pb.Record(kind=pb.RECORD_KIND_DIVISION, key="370000", division=abroad),
        pb.Record(kind=pb.RECORD_KIND_TEAM, key="t-new", team=home),
    ]

    result = client.call(door.stub.Sync, iter([pb.SyncRequest(records=records)]))

    assert result.created == 1
    assert [(e.row, e.field) for e in result.errors] == [(0, "division")]
    with pytest.raises(Forbidden):
        client.call(door.stub.Sync, iter([pb.SyncRequest(accounts=[pb.Account()])]))


def test_faulty_rows_of_a_sync_are_named_and_the_others_kept(door: Door) -> None:
    """Row numbers count over the whole stream; a record may refer to an earlier row."""
    team = pb.Team(team_id="t-sync", name="队", division="130481")
    officer = pb.Officer(officer_id="o-sync", name="甲", division="130481", role="officer")
    officer.team_id = "t-sync"
    wrong = pb.Officer(officer_id="o-bad", name="乙", division="130481", role="king")
    stream = [
        pb.SyncRequest(records=[pb.Record(kind=pb.RECORD_KIND_TEAM, key="t-sync", team=team)]),
        pb.SyncRequest(
            records=[
                pb.Record(kind=pb.RECORD_KIND_OFFICER, key="o-sync", officer=officer),
                pb.Record(kind=pb.RECORD_KIND_OFFICER, key="o-bad", officer=wrong),
                pb.Record(kind=pb.RECORD_KIND_OFFICER, key="o-none"),
            ]
        ),
    ]

    result = door.operator.call(door.stub.Sync, iter(stream))

    assert result.created == 2
    assert [(e.row, e.key, e.field) for e in result.errors] == [
        (2, "o-bad", "role"),
        (3, "", "body"),
    ]


def test_a_dry_run_reports_row_by_row_and_writes_nothing(door: Door) -> None:
    """The same file gives the same report, dry or not; only the second is kept."""
    text_ = "team_id,name,division\nt-csv-1,甲队,130481\nt-csv-2,,130481\nt-csv-3,丙队,999999\n"
    request = pb.ImportCsvRequest(kind=pb.RECORD_KIND_TEAM, csv=text_, dry_run=True)
    client = door.operator

    dry = client.call(door.stub.ImportCsv, request).result
    kept = door.scalar("SELECT count(*) FROM registry.record WHERE key LIKE 't-csv%'")
    request.dry_run = False
    wet = client.call(door.stub.ImportCsv, request).result

    assert (dry.created, dry.errors) == (wet.created, wet.errors)
    assert [(c.key, c.change, c.row) for c in dry.changes] == [("t-csv-1", pb.CHANGE_KIND_ADDED, 2)]
    assert kept == 0
    assert (wet.created, [(e.row, e.field) for e in wet.errors]) == (
        1,
        [(3, "name"), (4, "division")],
    )
    assert door.scalar("SELECT count(*) FROM registry.record WHERE key LIKE 't-csv%'") == 1


def test_a_dry_sync_shows_the_differences_over_its_parts_and_keeps_nothing(door: Door) -> None:
    """An officer of a team of an earlier part; a changed limit by field; a secret by a platform."""
    client = door.operator
    limit = door.all_of(client, pb.RECORD_KIND_LIMIT)[1]
    before = limit.limit.upper
    limit.limit.upper = before + 1
    logger = door.all_of(client, pb.RECORD_KIND_LOGGER)[1]
    logger.logger.password = "other1"
    team = pb.Team(team_id="t-dry", name="队", division="130481")
    officer = pb.Officer(officer_id="o-dry", name="甲", division="130481", role="officer")
    officer.team_id = "t-dry"
    stream = [
        pb.SyncRequest(
            records=[pb.Record(kind=pb.RECORD_KIND_TEAM, key="t-dry", team=team)], dry_run=True
        ),
        pb.SyncRequest(
            records=[
                pb.Record(kind=pb.RECORD_KIND_OFFICER, key="o-dry", officer=officer),
                limit,
                logger,
            ]
        ),
    ]
    last = door.scalar("SELECT max(revision) FROM registry.record")

    platform = door.client("platform.130000").call(door.stub.Sync, iter(stream))
    operator = client.call(door.stub.Sync, iter(stream))

    assert (operator.created, operator.updated, list(operator.errors)) == (2, 2, [])
    changed = {change.key: change for change in operator.changes}
    (field,) = changed[limit.key].fields
    assert (field.field, field.before, field.after) == ("upper", str(before), str(before + 1))
    (shown,) = changed[logger.key].fields
    (hidden,) = next(c for c in platform.changes if c.key == logger.key).fields
    assert (shown.field, shown.after) == ("password", "other1")
    assert (hidden.before, hidden.after) == ("***", "***")
    assert door.scalar("SELECT max(revision) FROM registry.record") == last


def test_a_complete_stream_deletes_what_it_leaves_out_and_only_there(door: Door) -> None:
    """Teams of one county: a dry run tells it, a refused row stops it, and then it is done."""
    client, county = door.operator, "130726"
    everything = door.all_of(client, pb.RECORD_KIND_TEAM)
    names = [pb.Team(team_id=f"t-all-{n}", name="队", division=county) for n in (1, 2)]
    both = [pb.Record(kind=pb.RECORD_KIND_TEAM, key=team.team_id, team=team) for team in names]
    division = pb.Division(
        code=county, name="蔚县", parent="130700", level="county", valid_from="1988-01-01"
    )
    city = pb.Division(code="130700", name="张家口市", parent="130000", level="city")
    places = [
        pb.Record(kind=pb.RECORD_KIND_DIVISION, key=one.code, division=one)
        for one in (city, division)
    ]
    client.call(door.stub.Sync, iter([pb.SyncRequest(records=[*places, *both])]))
    scope = pb.CompleteScope(kinds=[pb.RECORD_KIND_TEAM], division=county)
    one = pb.SyncRequest(records=both[:1], complete=scope)
    dry = pb.SyncRequest(records=both[:1], complete=scope, dry_run=True)
    wrong = pb.SyncRequest(records=[*both[:1], pb.Record(kind=pb.RECORD_KIND_TEAM)], complete=scope)

    told = client.call(door.stub.Sync, iter([dry]))
    stopped = client.call(door.stub.Sync, iter([wrong]))
    done = client.call(door.stub.Sync, iter([one]))
    again = client.call(door.stub.Sync, iter([one]))

    assert [(c.key, c.change) for c in told.changes] == [("t-all-2", pb.CHANGE_KIND_DELETED)]
    assert (stopped.deleted, stopped.errors[-1].field) == (0, "complete")
    assert (done.deleted, done.unchanged, again.deleted) == (1, 1, 0)
    left = {record.key for record in door.all_of(client, pb.RECORD_KIND_TEAM)}
    assert left == {record.key for record in everything} | {"t-all-1"}
    elsewhere = pb.CompleteScope(kinds=[pb.RECORD_KIND_TEAM], division="370000")
    platform, request = door.client("platform.130000"), pb.SyncRequest(complete=elsewhere)
    with pytest.raises(Forbidden):
        platform.call(door.stub.Sync, iter([request]))


@pytest.mark.parametrize("user", ["platform.130000", "operator"])
def test_a_table_that_was_exported_changes_nothing_when_it_is_imported(
    door: Door, user: str
) -> None:
    """All kinds, also where passwords, keys and phones are not shown to who exports."""
    client = door.operator if user == "operator" else door.client(user)
    for kind in (pb.RECORD_KIND_LOGGER, pb.RECORD_KIND_OFFICER, pb.RECORD_KIND_LIMIT):
        call = door.stub.ExportCsv(
            pb.ExportCsvRequest(kind=kind), metadata=client.metadata(), timeout=20
        )
        table = "".join(part.csv for part in call)
        request = pb.ImportCsvRequest(kind=kind, csv=table, dry_run=True)

        result = client.call(door.stub.ImportCsv, request).result

        assert (len(result.changes), list(result.errors)) == (0, [])
        assert result.unchanged == table.count("\n") - 1 > 20
        assert ("107919" in table) == (user == "operator" and kind == pb.RECORD_KIND_LOGGER)


def test_an_upsert_needs_the_revision_it_saw(door: Door) -> None:
    """The second of two editors is told; a faulty record is refused by field."""
    client = door.operator
    limit = door.all_of(client, pb.RECORD_KIND_LIMIT)[0]
    limit.limit.upper = limit.limit.upper + 1
    request = pb.UpsertRecordRequest(record=limit, expected_revision=limit.revision)

    saved = client.call(door.stub.UpsertRecord, request).record

    assert saved.revision > limit.revision
    with pytest.raises(Conflict):
        client.call(door.stub.UpsertRecord, request)
    saved.limit.averaging = "monthly"
    again = pb.UpsertRecordRequest(record=saved, expected_revision=saved.revision)
    with pytest.raises(InputRejected) as refused:
        client.call(door.stub.UpsertRecord, again)
    assert refused.value.facts == {"field": "averaging"}


def a_logger(door: Door, **changes: object) -> pb.Record:
    """A logger of the province with changes, kept."""
    record = door.all_of(door.operator, pb.RECORD_KIND_LOGGER)[0]
    record.logger.MergeFrom(pb.Logger(**changes))  # type: ignore[arg-type]
    request = pb.UpsertRecordRequest(record=record, expected_revision=record.revision)
    return door.operator.call(door.stub.UpsertRecord, request).record


def test_a_loggers_keys_are_for_those_who_may_see_secrets(door: Door) -> None:
    """An officer and a platform see identity and version, no password and no key."""
    kept = a_logger(door, version=2025, sm4_key="30" * 16, addresses=["127.0.0.0/8"]).logger
    get = pb.GetRecordRequest(kind=pb.RECORD_KIND_LOGGER, key=kept.mn)

    seen = door.client("officer1.130000").call(door.stub.GetRecord, get).record.logger
    whole = door.operator.call(door.stub.GetRecord, get).record.logger

    assert (seen.version, list(seen.addresses)) == (2025, ["127.0.0.0/8"])
    assert (seen.password, seen.sm4_key, seen.sm4_key_before) == ("", "", "")
    assert whole.sm4_key == "30" * 16
    assert whole.HasField("sm4_key_since") is False


def test_a_key_is_renewed_once_and_the_one_before_is_kept(door: Door) -> None:
    """16 signs that survive a data area; a repeated request gets the same key; copies hear it."""
    mn = a_logger(door, sm4_key="30" * 16).logger.mn

    def renew(in_use: str) -> pb.RenewLoggerKeyResponse:
        request = pb.RenewLoggerKeyRequest(mn=mn, in_use=in_use)
        return door.operator.call(door.stub.RenewLoggerKey, request)

    first = renew("30" * 16)
    lost = renew("30" * 16)
    second = renew(first.sm4_key)

    assert len(bytes.fromhex(first.sm4_key)) == 16
    assert bytes.fromhex(first.sm4_key).decode("ascii").isalnum()
    assert (lost.sm4_key, lost.since) == (first.sm4_key, first.since)
    assert second.sm4_key != first.sm4_key
    body = door.scalar(f"SELECT body->>'sm4_key_before' FROM registry.record WHERE key = '{mn}'")
    assert body == first.sm4_key
    with pytest.raises(Forbidden):
        door.client("officer1.130000").call(
            door.stub.RenewLoggerKey, pb.RenewLoggerKeyRequest(mn=mn)
        )
    with pytest.raises(NotFound):
        door.operator.call(door.stub.RenewLoggerKey, pb.RenewLoggerKeyRequest(mn="F" * 24))


def test_what_is_still_referred_to_cannot_be_deleted(door: Door) -> None:
    """An outlet with a logger stays; a team without anybody goes, and copies hear of it."""
    client = door.operator
    key = outlet("130481")["outlet_id"]
    get = pb.GetRecordRequest(kind=pb.RECORD_KIND_OUTLET, key=key)
    stack = client.call(door.stub.GetRecord, get).record
    stack.deleted = True
    team = pb.Team(team_id="t-gone", name="队", division="130481")
    lonely = pb.Record(kind=pb.RECORD_KIND_TEAM, key="t-gone", team=team)
    client.call(door.stub.Sync, iter([pb.SyncRequest(records=[lonely])]))
    lonely.deleted = True

    result = client.call(door.stub.Sync, iter([pb.SyncRequest(records=[stack, lonely])]))

    assert (result.updated, [(e.key, e.field) for e in result.errors]) == (1, [(key, "deleted")])
    pages = door.stub.Snapshot(
        pb.SnapshotRequest(kinds=[pb.RECORD_KIND_TEAM]), metadata=client.metadata()
    )
    assert {r.key: r.deleted for page in pages for r in page.records}["t-gone"] is True


def test_a_search_finds_by_name_and_takes_signs_literally(door: Door) -> None:
    """A percent sign is a percent sign."""
    client = door.operator

    def found(words: str) -> list[str]:
        request = pb.ListRecordsRequest(kind=pb.RECORD_KIND_ENTERPRISE, search=words)
        return [
            r.enterprise.short_name for r in client.call(door.stub.ListRecords, request).records
        ]

    assert found("清洺") == ["清洺水务"]
    assert found("%") == []


def test_writers_at_the_same_time_keep_a_record_once(door: Door) -> None:
    """Eight clients send the same new team together: one creates it, seven find it unchanged."""
    team = pb.Team(team_id="t-race", name="队", division="130481")
    record = pb.Record(kind=pb.RECORD_KIND_TEAM, key="t-race", team=team)
    clients = [door.operator for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda each: each.call(door.stub.Sync, iter([pb.SyncRequest(records=[record])])),
                clients,
            )
        )

    assert sorted((a.created, a.unchanged) for a in answers) == [(0, 1)] * 7 + [(1, 0)]
