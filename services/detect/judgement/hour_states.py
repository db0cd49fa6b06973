"""小时数据状态: the moves from what was received and marked to a state, as tables."""

import numpy as np

from services.detect.judgement.model import Codes, Hours, HourState, MarkEffect, Note
from services.detect.judgement.row_rules import RowRules
from services.detect.kernels.series import Bools, Floats

_S, _E = HourState, MarkEffect

#: What a mark makes of an hour that its flag had made something else; whatever is not listed stays.
MOVES: dict[MarkEffect, dict[HourState, HourState]] = {
    # The plant's statement is the legal one, so a flagged hour that it marks is a marked hour.
    _E.INVALID: {_S.VALID: _S.MARKED, _S.SHORT: _S.MARKED, _S.FLAGGED: _S.MARKED},
    # A broken line explains what is missing. What came all the same was filled, and is judged.
    _E.MISSING: {},
    _E.EXCUSED: {_S.VALID: _S.MARKED, _S.SHORT: _S.MARKED, _S.FLAGGED: _S.MARKED},
    _E.STOPPED: dict.fromkeys(HourState, _S.STOPPED),
    # Device first, condition second (domain.md B.4 steps 2 and 3): a flagged hour stays flagged.
    _E.EXEMPT: {_S.VALID: _S.EXEMPT},
    _E.QC_FAILED: {_S.VALID: _S.QC_FAILED, _S.SHORT: _S.QC_FAILED},
}
#: Wire flags that contradict a mark: running where it says stopped, well where it says maintenance.
CONTRADICTING: dict[MarkEffect, str] = {
    _E.INVALID: "NT",
    _E.EXCUSED: "NT",
    _E.STOPPED: "NT",
    _E.EXEMPT: "F",
    _E.OVER_CAP: "F",
    _E.PM_HIGH: "F",
}
NOTES: dict[MarkEffect, Note] = {
    _E.EXCUSED: Note.EXCUSED,
    _E.OVER_CAP: Note.OVER_CAP,
    _E.PM_HIGH: Note.PM_HIGH,
}


def _tables() -> tuple[Codes, Codes]:
    """States by (effect, state before) and notes by (effect, flag)."""
    moved = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    noted = np.zeros((256, 256), dtype=np.uint8)
    for effect, moves in MOVES.items():
        for before, after in moves.items():
            moved[effect, before] = after
    for effect, note in NOTES.items():
        noted[effect] |= np.uint8(note)
    for effect, flags in CONTRADICTING.items():
        noted[effect, [ord(flag) for flag in flags]] |= np.uint8(Note.CONFLICT)
    noted[:, ord("T")] |= np.uint8(Note.OVER_RANGE)
    return moved, noted


_MOVED, _NOTED = _tables()


def by_flag(hours: Hours, rules: RowRules, number: Bools) -> Codes:
    """State by what was received: presence, wire flag, whether there is a number, its minutes."""
    first = rules.which[:, None] * 256
    state: Codes = rules.flag_states.ravel()[first + hours.flag]
    state[~hours.present | ((state == _S.VALID) & ~number)] = _S.MISSING
    if hours.valid_minutes is not None:
        needed = rules.numbers("hour_valid_minutes")[:, None]
        # 255 stands for not known, and is more than any hour needs.
        state[(state == _S.VALID) & (hours.valid_minutes < needed)] = _S.SHORT
    return state


def by_mark(state: Codes, effect: Codes) -> Codes:
    """State after marks and failed checks."""
    moved: Codes = _MOVED.ravel()[effect.astype(np.intp) * 256 + state]
    return moved


def notes_of(hours: Hours, effect: Codes) -> Codes:
    """Notes that flag and mark give; an hour that was not received has no flag."""
    flag = np.where(hours.present, hours.flag, 0)
    notes: Codes = _NOTED.ravel()[effect.astype(np.intp) * 256 + flag]
    return notes


def suspicious(value: Floats, rules: RowRules) -> Bools:
    """可疑数据: zero, negative or below detection, for rows whose rule asks (HJ 356-2019)."""
    found = np.zeros(value.shape, dtype=np.bool_)
    zero, negative = (
        rules.are("suspect_zero", value=True),
        rules.are("suspect_negative", value=True),
    )
    detection = rules.numbers("detection_limit")
    rows = np.flatnonzero(zero | negative | (detection > 0))
    some = value[rows]
    found[rows] = (
        (zero[rows, None] & (some == 0))
        | (negative[rows, None] & (some < 0))
        | ((detection[rows, None] > 0) & (some < detection[rows, None]))
    )
    return found
