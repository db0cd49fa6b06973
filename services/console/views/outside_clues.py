"""外部线索 for pages: words of kinds, verdicts and media by the numbers of the contract."""

from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb
from services.chassis.pb.detect.v1.detect_pb2 import FINDING_STATE_CLOSED, FINDING_STATE_OPEN

#: Kind by the key of addresses and of the catalogue's group `sign_kind`.
KINDS = {
    "hot_grid": pb.OUTSIDE_SIGN_KIND_HOT_GRID,
    "high_value": pb.OUTSIDE_SIGN_KIND_HIGH_VALUE,
    "bare_land": pb.OUTSIDE_SIGN_KIND_BARE_LAND,
    "satellite": pb.OUTSIDE_SIGN_KIND_SATELLITE,
    "drone": pb.OUTSIDE_SIGN_KIND_DRONE,
    "video": pb.OUTSIDE_SIGN_KIND_VIDEO,
    "vehicle_gate": pb.OUTSIDE_SIGN_KIND_VEHICLE_GATE,
    "fingerprint": pb.OUTSIDE_SIGN_KIND_FINGERPRINT,
    "complaint": pb.OUTSIDE_SIGN_KIND_COMPLAINT,
}
KEYS = {number: key for key, number in KINDS.items()}
VERDICTS = {
    "confirmed": pb.OUTSIDE_VERDICT_CONFIRMED,
    "nothing": pb.OUTSIDE_VERDICT_NOTHING,
    "elsewhere": pb.OUTSIDE_VERDICT_ELSEWHERE,
}
VERDICT_KEYS = {number: key for key, number in VERDICTS.items()}
STATES = {"open": FINDING_STATE_OPEN, "closed": FINDING_STATE_CLOSED}


def kinds_of(clue: pb.OutsideClue) -> list[tuple[str, int]]:
    """Give the kinds of a clue's signs with how many there are, in order of first time."""
    counts: dict[str, int] = {}
    for one in clue.signs:
        counts[KEYS[one.kind]] = counts.get(KEYS[one.kind], 0) + 1
    return list(counts.items())


def bar_width(share: float, most: float = 90.0) -> float:
    """Give the length of a bar for a share of one."""
    return round(max(0.0, min(share, 1.0)) * most, 1)
