"""移送材料 The items of a bundle from what other services gave: pure, from plain values to bytes.

The transfer letter, report and item list follow 2017-17 art 6; automatic data adds raw frames,
their ledger proofs and the values. The same input gives the same bytes.
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.referral.domain import canonical
from services.referral.domain.bundle import PAPERS, PROOFS, Item

KINDS = {
    "transfer": "移送文书",
    "case": "办案过程",
    "finding": "疑似问题",
    "readings": "监测数据",
    "frame": "原始报文",
    "ledger": "账本证明",
    "about": "说明",
}
_KEEPER = "移送机关"


@dataclass(frozen=True, slots=True)
class RawFrame:
    """原始报文 One frame as it arrived, with its place in the ledger."""

    raw: bytes
    facts: Mapping[str, str]
    proof: Mapping[str, Any]


def frame_items(frames: Sequence[RawFrame], heads: Sequence[Mapping[str, Any]]) -> list[Item]:
    """A file a frame, an index to read, and the proofs to check."""
    paths = [f"frames/{number:06d}.hj212" for number in range(1, len(frames) + 1)]
    items = [
        Item(
            path, "frame", f"HJ 212 原始报文 {frame.facts.get('data_time', '')}".rstrip(), frame.raw
        )
        for path, frame in zip(paths, frames, strict=True)
    ]
    index = [{"path": path, **frame.facts} for path, frame in zip(paths, frames, strict=True)]
    rows = [{"path": path, **frame.proof} for path, frame in zip(paths, frames, strict=True)]
    proofs = canonical.encode({"heads": list(heads), "frames": rows})
    return [
        *items,
        Item("frames/index.csv", "frame", "原始报文目录", table(index)),
        Item(PROOFS, "ledger", "证据账本：签名账本头和包含证明", proofs),
    ]


def papers_item(papers: Mapping[str, Any]) -> Item:
    """The case's head, clocks and chained timeline."""
    return Item(PAPERS, "case", "办案过程和期限", canonical.encode(papers))


def finding_items(findings: Sequence[Mapping[str, Any]], pictures: Sequence[bytes]) -> list[Item]:
    """Two files a finding: what it says with basis and values; its picture."""
    content = []
    pairs = zip(findings, pictures, strict=True)
    for number, (finding, picture) in enumerate(pairs, start=1):
        path, title = (
            f"findings/{number:02d}-{finding['rule_id']}",
            f"疑似问题 {finding['rule_id']}",
        )
        facts = canonical.encode(finite(finding))
        content += [
            Item(f"{path}.json", "finding", title, facts),
            Item(f"{path}.svg", "finding", f"{title} 图", picture),
        ]
    return content


def readings_item(name: str, title: str, rows: Sequence[Mapping[str, str]]) -> Item:
    """Values as a table, one row a time and factor."""
    return Item(f"readings/{name}.csv", "readings", title, table(rows))


def item_list(items: Sequence[Item]) -> Item:
    """移送材料清单 (2017-17 art 6(4)): what is handed over, where it is and who keeps it."""
    rows = [
        {
            "序号": str(number),
            "名称": item.title,
            "类别": KINDS[item.kind],
            "文件": item.path,
            "字节": str(len(item.data)),
            "保管": _KEEPER,
        }
        for number, item in enumerate(sorted(items, key=lambda one: one.path), start=1)
    ]
    return Item("transfer/items.csv", "transfer", "移送材料清单", table(rows))


def count_kinds(items: Iterable[Item]) -> list[tuple[str, int]]:
    """How many items of each kind, in the order of the table above."""
    counts = Counter(item.kind for item in items)
    return [(title, counts[kind]) for kind, title in KINDS.items() if counts[kind]]


def table(rows: Sequence[Mapping[str, str]]) -> bytes:
    """A CSV with a byte order mark, so that office programs read the Chinese."""
    sheet = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(sheet, fieldnames=list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
    return b"\xef\xbb\xbf" + sheet.getvalue().encode()


def finite(value: Any) -> Any:
    """The value with null for every number that JSON cannot write."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [finite(one) for one in value]
    return value
