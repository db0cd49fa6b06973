"""The head of a message: the fields before CP (HJ 212-2017 table 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Head:
    """Head fields by the standard's names, in the order and with the text of the frame.

    What is absent stays absent: 2005 sends no QN and no Flag, and its 9014 has neither MN nor PW.
    """

    fields: Mapping[str, str]

    @classmethod
    def of(
        cls,
        *,
        cn: str,
        mn: str,
        password: str,
        st: str,
        qn: str = "",
        flag: int | None = None,
        pnum: int = 0,
        pno: int = 0,
        rf: bool = False,
    ) -> Self:
        """A head in the standard's order; empty QN, no Flag, no packet number: left out."""
        fields = {"QN": qn} if qn else {}
        fields |= {"ST": st, "CN": cn, "PW": password, "MN": mn}
        if flag is not None:
            fields["Flag"] = str(flag)
        if pnum:
            fields |= {"PNUM": str(pnum), "PNO": str(pno)}
        if rf:
            fields["RF"] = "1"
        return cls(fields)

    @property
    def qn(self) -> str:
        """QN 请求编码, empty when absent (2005 carries it inside CP)."""
        return self.fields.get("QN", "")

    @property
    def st(self) -> str:
        """ST 系统编码, empty when absent."""
        return self.fields.get("ST", "")

    @property
    def cn(self) -> str:
        """CN 命令编码, empty when absent."""
        return self.fields.get("CN", "")

    @property
    def pw(self) -> str:
        """PW 访问密码, empty when absent."""
        return self.fields.get("PW", "")

    @property
    def mn(self) -> str:
        """MN 设备唯一标识, empty when absent."""
        return self.fields.get("MN", "")

    @property
    def flag(self) -> int:
        """Flag 标志位 as a number; 0 (2005, no reply wanted) when absent or unreadable."""
        return _number(self.fields.get("Flag", ""), 3)

    @property
    def wants_reply(self) -> bool:
        """Flag bit 0: the sender waits for a reply."""
        return bool(self.flag & 1)

    @property
    def pnum(self) -> int:
        """PNUM 总包数; 0 for an unsplit frame or a number outside 1 to 9999."""
        return _number(self.fields.get("PNUM", ""), 4)

    @property
    def pno(self) -> int:
        """PNO 包号, from 1; 0 as for `pnum`."""
        return _number(self.fields.get("PNO", ""), 4)

    @property
    def rf(self) -> bool:
        """RF=1: filled in after a break (补传, 2025)."""
        return self.fields.get("RF") == "1"


def _number(text: str, digits: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else 0
