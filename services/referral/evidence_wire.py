"""Other services' messages to the plain values that a bundle is made of."""

import math
from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp

from services.chassis.clock import beijing, from_timestamp, from_unix
from services.chassis.pb.cases.v1 import cases_pb2
from services.chassis.pb.detect.v1 import detect_pb2
from services.chassis.pb.ingest.v1 import ingest_pb2, ledger_pb2
from services.chassis.picture.finding import drawing_of_finding
from services.chassis.picture.svg import svg
from services.referral.domain.items import RawFrame

KIND_NAMES = {
    ingest_pb2.READING_KIND_MINUTE: "minute",
    ingest_pb2.READING_KIND_HOUR: "hour",
    ingest_pb2.READING_KIND_DAY: "day",
}
TITLES = {"minute": "分钟数据（2051）", "hour": "小时数据（2061）", "day": "日数据（2031）"}
_OUTCOMES = {
    ingest_pb2.OUTCOME_ACCEPTED: "accepted",
    ingest_pb2.OUTCOME_DUPLICATE: "duplicate",
    ingest_pb2.OUTCOME_REFUSED: "refused",
}


def raw_frame(one: ingest_pb2.LedgerFrame, head: int) -> RawFrame:
    """A frame with what a reader looks up and what a verifier needs under head number `head`."""
    frame = one.frame
    received = from_unix(frame.received_at_us / 1e6)
    return RawFrame(
        raw=frame.raw,
        facts={
            "received_at": beijing(received).isoformat(timespec="milliseconds"),
            "data_time": _moment(frame.data_time_s) if frame.data_time_s else "",
            "mn": frame.mn,
            "cn": frame.cn,
            "qn": frame.qn,
            "outcome": _OUTCOMES.get(frame.outcome, ""),
            "peer": frame.peer,
            "sm3": frame.sm3.hex(),
            "sha256": one.sha256.hex(),
        },
        proof={
            "partition": one.partition,
            "leaf": one.leaf,
            "head": head,
            "entry_version": one.entry_version,
            "entry": one.entry.decode(),
            "proof": [sibling.hex() for sibling in one.proof],
        },
    )


def head(one: ledger_pb2.SignedLedgerHead) -> dict[str, Any]:
    """A signed head of the ledger: the text that was signed, and what checks it."""
    return {
        "number": one.number,
        "text": one.text.decode(),
        "public_key": one.public_key.hex(),
        "signature": one.signature.hex(),
        "fingerprint_sm3": one.fingerprint_sm3,
    }


def rows(answer: ingest_pb2.GetReadingsResponse) -> list[dict[str, str]]:
    """One row a time and factor, in Beijing time; an absent number is an empty cell."""
    found = []
    for series in answer.factors:
        for at, second in enumerate(series.time_s):
            row = {"time": _moment(second), "factor": series.factor}
            for name in ("value", "converted", "min", "max", "cou"):
                column = getattr(series, name)
                row[name] = _number(column[at]) if at < len(column) else ""
            row["flag"] = series.flags[at : at + 1].replace("-", "")
            row["version"] = str(series.version[at]) if at < len(series.version) else "0"
            found.append(row)
    return sorted(found, key=lambda row: (row["time"], row["factor"], row["version"]))


def papers(answer: cases_pb2.CasePapersResponse) -> dict[str, Any]:
    """The case's papers with the timeline's lines exactly as their digests cover them."""
    matter = answer.matter
    head = cases_pb2.Matter()
    head.CopyFrom(matter)
    for name in ("timeline", "clocks", "allowed", "rows"):
        head.ClearField(name)
    return {
        "matter": MessageToDict(head, preserving_proto_field_name=True),
        "rows": [MessageToDict(row, preserving_proto_field_name=True) for row in matter.rows],
        "clocks": [MessageToDict(one, preserving_proto_field_name=True) for one in matter.clocks],
        "timeline": [_line(line, matter.matter_id) for line in matter.timeline],
    }


def finding(one: detect_pb2.Finding) -> dict[str, Any]:
    """A finding whole."""
    value: dict[str, Any] = MessageToDict(
        one, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return value


def picture(one: detect_pb2.Finding) -> bytes:
    """A finding's picture as SVG, with its two sentences."""
    title = f"疑似问题 {one.rule_id}  {one.outlet_id}  {'、'.join(one.factors)}"
    return svg(drawing_of_finding(one, title, one.factors))


def _line(line: cases_pb2.MatterEvent, matter_id: str) -> dict[str, Any]:
    return {
        "seq": line.seq,
        "at": _instant(line.at),
        "actor_id": line.actor_id,
        "actor_name": line.actor_name,
        "actor_role": line.actor_role,
        "scripted": line.scripted,
        "act": line.act,
        "act_name": line.act_name,
        "from_state": line.from_state,
        "to_state": line.to_state,
        "reason": line.reason,
        "fields": {key: str(value) for key, value in sorted(line.fields.items())},
        "matter_id": matter_id,
        "digest_sm3": line.digest_sm3.hex(),
    }


def _instant(stamp: Timestamp) -> str:
    return from_timestamp(stamp).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(second: float) -> str:
    at: datetime = beijing(from_unix(second))
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.10g}"
