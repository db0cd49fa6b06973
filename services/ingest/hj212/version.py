"""Which issue of HJ 212 a frame follows (版本): by what it says, not by what its Flag claims.

Flag is a hint only: real loggers send Flag=8 with content of 2017, and HJ/T 212-2005 prints Flag=3
on unsplit commands (hj212.md 1.3). The rows below are the evidence; those on 2025 are second-hand
(hj212.md marks D25 and C25).
"""

import re
from enum import IntEnum

from services.ingest.hj212.segment import Segment


class Version(IntEnum):
    """The standard's year: HJ/T 212-2005, HJ 212-2017, HJ 212-2025."""

    V2005 = 2005
    V2017 = 2017
    V2025 = 2025


V2005, V2017, V2025 = Version

_CN_2005 = frozenset({"1021", "1022", "1031", "1032", "1041", "1042", "2071", "2072"})  # [S05]
_CN_2025 = frozenset(  # [D25] [C25]; 1001 is left out: 2005 has another
    {"1002", "1014", "2013", "2052", "2062", "2111", "3022", "3024", "9015"}
)
_ST_2025 = frozenset({"44", "45"})  # electricity, production condition [D25]
_REPLIES = frozenset({"9011", "9012", "9013", "9014"})
_BY_FLAG = {0: V2005, 1: V2017, 2: V2025}  # bits V5 to V0 of Flag

# The first factor code whose shape is of one issue; `new` is HJ 524 and HJ 525 with the process and
# information codes of 2017 annex B, which 2025 keeps; `d` and `p` codes are 2025's.
_SHAPE = re.compile(
    r"(?:^|[;,])[ ]*"
    r"(?:(?P<newest>[dp]\d{5})|(?P<new>[awegi]\d{5})|(?P<old>\d{2,3}|[BS]\d\d))-"
)
_FIELD_2025 = "-RawAvg="  # its other new fields stand in commands that are new too [C25]
_EPC_96 = re.compile(r"[0-9A-Fa-f]{24}")  # MN since 2017


def version_of(segment: Segment, remembered: Version | None = None) -> Version:
    """The version of a frame, given the one last seen of (or registered for) its logger.

    1. What only one issue has decides: RF, CN, ST 44/45, field names and `d`/`p` codes of 2025;
       CN of 2005, QN inside CP of a reply, factor codes of two or three characters.
    2. Else the frame leaves a range: a code of HJ 524/525 or an MN of 24 hex digits means 2017 or
       later, an MN of another shape means 2017 or earlier.
    3. Within the range the remembered version holds, then the version bits of Flag, then the
       earliest: so Flag=8 alone does not make a logger of 2017 one of 2025.
    """
    area = segment.area_text
    shape = _SHAPE.search(area, max(0, area.find(";")))  # the first item is nearly always DataTime
    form = shape.lastgroup if shape is not None else ""
    only = _only_version(segment, form or "")
    if only is not None:
        return only
    mn = segment.mn
    latest = V2025 if not mn or _EPC_96.fullmatch(mn) else V2017
    earliest = V2017 if form or latest is V2025 else V2005
    wanted = remembered or _BY_FLAG.get(segment.flag >> 2, earliest)
    return min(max(wanted, earliest), latest)


def _only_version(segment: Segment, form: str) -> Version | None:
    """The version that the frame's own content proves, or None; `form` is that of its codes."""
    cn = segment.cn
    if segment.rf or cn in _CN_2025 or segment.st in _ST_2025 or form == "newest":
        return V2025
    if cn in _CN_2005 or form == "old" or (cn in _REPLIES and "QN=" in segment.area_text):
        return V2005
    if cn == "1001":  # an alarm time in 2005, the hardware of a logger without MN in 2025
        return V2005 if "WarnTime" in segment.area_text else V2025
    return V2025 if _FIELD_2025 in segment.area_text else None
