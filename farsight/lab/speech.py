"""How a site speaks: the same content as 2005, 2017 or 2025 has it (hj212.md 1.3, 1.5, 1.7, 2.4).

The model's frames are those of 2017; `dressed` turns one into another version's form: 2005 has its
own factor codes (same numbers, for the factors modelled here keep their units), 2025 its own Flag,
RF=1 on back-filled frames and SM4 on data areas.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from farsight.lab.frames import Frame
from services.ingest.hj212.cipher import encrypt_frame
from services.ingest.hj212.encode import encode_frame
from services.ingest.hj212.factors import factors_2017

_VERSION_BITS = {2005: 0, 2017: 4, 2025: 8}


@dataclass
class Speech:
    """现场机的话: who speaks and in which version; `key` is the SM4 key of 2025, empty = plain."""

    mn: str
    password: str
    st: str
    version: int = 2017
    key: bytes = b""

    def reply(self, cn: str, qn: str, code: str = "") -> bytes:
        """9011, 9012 or 9013 with its return code, `QnRtn=1`; 2005 puts QN inside CP."""
        if self.version == 2005:
            area = ";".join(part for part in (f"QN={qn}", code) if part)
            flag = "" if cn == "9013" else ";Flag=0"
            head = f"ST=91;CN={cn};PW={self.password};MN={self.mn}{flag}"
            return encode_frame(f"{head};CP=&&{area}&&".encode())
        return self._frame("91", cn, qn, code, _VERSION_BITS[self.version])

    def answer(self, cn: str, qn: str, area: str, *, pnum: int = 0, pno: int = 0) -> bytes:
        """A value that was asked for: the request's CN and QN, no acknowledgement wanted."""
        if self.version == 2005:
            head = f"ST={self.st};CN={cn};PW={self.password};MN={self.mn};Flag=0"
            return encode_frame(f"{head};CP=&&QN={qn};{area}&&".encode())
        flag = _VERSION_BITS[self.version] | (2 if pnum else 0)
        return self._frame(self.st, cn, qn, area, flag, pnum=pnum, pno=pno)

    def upload(self, cn: str, qn: str, area: str) -> Frame:
        """Data or a notice of the site's own: a QN of its own, to be acknowledged."""
        return Frame(qn, self._frame(self.st, cn, qn, area, _VERSION_BITS[self.version] | 1))

    def dressed(self, frame: Frame, *, rf: bool = False) -> Frame:
        """A 2017 frame of the model in this site's version; `rf` marks it as back-filled (2025)."""
        if self.version == 2017:
            return frame
        head, _, rest = frame.data[6:-6].decode().partition("CP=&&")
        area = rest.removesuffix("&&")
        if self.version == 2005:
            area = _old_codes(area)
            segment = f"{head.replace('Flag=5', 'Flag=1')}CP=&&{area}&&"
            return Frame(frame.qn, encode_frame(segment.encode()))
        marked = "RF=1;" if rf else ""
        head = head.replace("CN=2051;", "CN=2111;") if frame.furnace else head
        segment = f"{head.replace('Flag=5', 'Flag=9')}{marked}CP=&&{area}&&"
        data = encode_frame(segment.encode())
        return Frame(frame.qn, self._encrypted(data))

    def _frame(
        self, st: str, cn: str, qn: str, area: str, flag: int, *, pnum: int = 0, pno: int = 0
    ) -> bytes:
        split = f"PNUM={pnum};PNO={pno};" if pnum else ""
        head = f"QN={qn};ST={st};CN={cn};PW={self.password};MN={self.mn};Flag={flag};{split}"
        data = encode_frame(f"{head}CP=&&{area}&&".encode())
        secret = cn.startswith("2") or cn in {"1014", "3020"}  # 2025 6.4.4 [D25]
        return self._encrypted(data) if secret else data

    def _encrypted(self, data: bytes) -> bytes:
        return encrypt_frame(data, self.key) if self.key and self.version == 2025 else data


@cache
def _old() -> Mapping[str, str]:
    return {code: row.old_code for code, row in factors_2017().items() if row.old_code}


def _old_codes(area: str) -> str:
    """The area with the codes of 2005; a factor that 2005 does not have is left out."""
    items = []
    for item in area.split(";"):
        code, dash, _ = item.partition("-")
        if not dash:
            items.append(item)
        elif code in _old():
            items.append(item.replace(f"{code}-", f"{_old()[code]}-"))
    return ";".join(items)
