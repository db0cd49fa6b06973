"""炉膛温度: 2111 of HJ 212-2025 and 2051 are minute readings alike."""

import pytest

from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.gate.columns import CN_OF_KIND, BatchBuilder
from services.ingest.gate.turns import is_late
from services.ingest.hj212.messages import Upload
from services.ingest.hj212.messages.reading import read_message
from services.ingest.hj212.segment import parse_segment
from services.ingest.hj212.version import Version

HEAD = "QN=20261122081000111;ST=31;CN={};PW=1;MN=010000A8900016F000169DC0;Flag=9;"


@pytest.mark.parametrize("cn", ["2111", "2051"])
def test_a_five_minute_mean_becomes_a_minute_reading_as_sent(cn):
    """Either command: kind MINUTE, the stamp of the frame, factor a01901, flag kept."""
    text = HEAD.format(cn) + "CP=&&DataTime=20261122080500;a01901-Avg=849.6,a01901-Flag=N&&"

    upload = read_message(parse_segment(text.encode()), Version.V2025)

    assert isinstance(upload, Upload)
    frame = pb.Frame(cn=cn, outlet_id="o", data_time_s=int(upload.data_time.timestamp()))
    builder = BatchBuilder(0, "gate")
    builder.add(frame, upload.factors, None)
    batch = builder.seal()
    assert [(s.factor, s.kind) for s in batch.series] == [("a01901", pb.READING_KIND_MINUTE)]
    assert upload.factors[0].value == 849.6
    assert upload.factors[0].flag == "N"
    assert int.from_bytes(batch.time_s, "little") == 1795305900


def test_minute_data_that_is_pushed_or_asked_for_is_2051():
    """The second command of the kind does not take the first one's place."""
    assert CN_OF_KIND[pb.READING_KIND_MINUTE] == "2051"


def test_furnace_means_are_late_as_minute_data_are():
    """An hour old: it fills a gap and waits its turn."""
    assert not is_late("2111", 600)
    assert is_late("2111", 3600)
