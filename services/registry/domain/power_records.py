"""用电档案校验: what makes a meter pair or a control order wrong in itself."""

import re
from datetime import datetime

from services.registry.domain.divisions import period_faults
from services.registry.domain.logger_identity import is_time
from services.registry.domain.records import ControlOrder, Fault, MeterPair

#: As the gate takes a meter's name (services/ingest/gate/outside_checks.py).
METER = re.compile(r"[^\s|;\x00-\x1f\x7f]{1,128}")
LOGICS = ("", "all", "any")
LEVELS = ("yellow", "orange", "red")
MEASURES = ("stop", "limit")


def meter_pair_faults(body: MeterPair) -> list[Fault]:
    """Return what is wrong with a pair: meters, logic, period."""
    twice = set(body.production_meters) & set(body.treatment_meters)
    faults = [
        *_meters("production_meters", body.production_meters),
        *_meters("treatment_meters", body.treatment_meters),
        *period_faults(body.valid_from, body.valid_to),
    ]
    if not body.outlet_id:
        faults.append(Fault("outlet_id", "is missing"))
    if not body.production_meters:
        faults.append(Fault("production_meters", "is missing"))
    if not body.treatment_meters:
        faults.append(Fault("treatment_meters", "is missing"))
    if twice:
        faults.append(
            Fault("treatment_meters", f"measure production too: {' '.join(sorted(twice))}")
        )
    if body.treatment_logic not in LOGICS:
        faults.append(Fault("treatment_logic", "not all or any"))
    return faults


def order_faults(body: ControlOrder) -> list[Fault]:
    """Return what is wrong with an order: level, measure, share, span, source."""
    faults = _meters("meters", body.meters)
    if not body.credit_code:
        faults.append(Fault("credit_code", "is missing"))
    if body.level not in LEVELS:
        faults.append(Fault("level", f"not one of {', '.join(LEVELS)}"))
    if body.measure not in MEASURES:
        faults.append(Fault("measure", "not stop or limit"))
    if not 0 <= body.allowed_share < 1:
        faults.append(Fault("allowed_share", "not in [0, 1)"))
    elif body.measure == "stop" and body.allowed_share:
        faults.append(Fault("allowed_share", "a stop allows nothing: 0"))
    elif body.measure == "limit" and not body.allowed_share:
        faults.append(Fault("allowed_share", "a limit of 0 is a stop"))
    times = [
        Fault(f, "no ISO time with its offset")
        for f in ("start", "end")
        if not is_time(getattr(body, f))
    ]
    faults += times
    if not times and datetime.fromisoformat(body.end) <= datetime.fromisoformat(body.start):
        faults.append(Fault("end", "not after start"))
    if not body.source:
        faults.append(Fault("source", "an order without its document number"))
    return faults


def _meters(field: str, meters: tuple[str, ...]) -> list[Fault]:
    bad = [meter for meter in meters if not METER.fullmatch(meter)]
    repeated = len(set(meters)) != len(meters)
    return [
        *([Fault(field, f"no meter ids: {' '.join(bad)}")] if bad else []),
        *([Fault(field, "a meter comes twice")] if repeated else []),
    ]
