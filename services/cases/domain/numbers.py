"""文号: numbers of documents, e.g. 翁环罚字〔2021〕3号, read and written.

An agency's short name, 环, a series, 字, the year in brackets, the serial number and 号. Agencies
write brackets and digits in both widths and leave 字 out at times: all of that is read, one form
is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: One sign for one sign, so that a place in the text stays the same place.
_PLAIN = str.maketrans(
    {
        **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
        **dict.fromkeys("[［(（【﹝", "〔"),
        **dict.fromkeys("]］)）】﹞", "〕"),
        "\u3000": " ",
        "\xa0": " ",
    }
)
_HAN = r"[\u3400-\u9fff]"
_WORD = r"(?:(?![环字])[\u3400-\u9fff])"
_YEAR = r"〔 ?(?P<year>[0-9]{4}) ?〕"
_TAIL = rf"(?P<series>{_WORD}{{1,8}}?) ?字? ?{_YEAR} ?第? ?(?P<serial>[0-9]{{1,6}}) ?号"
_WHOLE = re.compile(rf"(?P<agency>{_HAN}{{1,12}}?)环{_TAIL}")
#: A number of a matter, see `store.next_number`.
_MATTER = re.compile(
    rf"(?P<mark>[督案挂检存改封限拘送]) ?{_YEAR} ?(?P<division>[0-9]{{6}})-(?P<serial>[0-9]{{1,6}})"
)
#: Words that stand before an agency's name in a sentence and are no part of it.
_BEFORE_NAME = (
    "由据按照依的以为向对经与和及或至到在于是作出达了号第见本我你该局厅院文书发制撤销更正"
)
_FIRST_YEAR, _LAST_YEAR = 1949, 2199


@dataclass(frozen=True, order=True)
class DocumentNumber:
    """文号. `agency` is the short name (翁), `series` the kind of document (罚).

    >>> str(DocumentNumber("翁", "罚", 2021, 3))
    '翁环罚字〔2021〕3号'
    """

    agency: str
    series: str
    year: int
    serial: int

    def __post_init__(self) -> None:
        agency, series = self.agency, self.series
        if not re.fullmatch(rf"{_HAN}{{1,12}}", agency):
            raise ValueError(f"{agency!r} is no short name of an agency")
        if not re.fullmatch(rf"{_WORD}{{1,8}}", series):
            raise ValueError(f"{series!r} is no series of documents")
        if not _FIRST_YEAR <= self.year <= _LAST_YEAR:
            raise ValueError(f"{self.year} is no year of a document")
        if not 1 <= self.serial <= 999_999:
            raise ValueError(f"{self.serial} is no serial number of a document")

    def __str__(self) -> str:
        return f"{self.agency}环{self.series}字〔{self.year}〕{self.serial}号"


@dataclass(frozen=True)
class Found:
    """A number inside a text: where it begins and ends, as written, and in its normal form.

    `own` says that it belongs to one of the agencies asked about; a matter's number always does.
    """

    start: int
    end: int
    cited: str
    number: str
    own: bool
    agency: str = ""
    series: str = ""
    year: int = 0


def parse_number(text: str) -> DocumentNumber:
    """文号 from text that holds nothing else. Raises `ValueError`.

    >>> parse_number("翁环罚字[2021]第３号").serial
    3
    """
    match = _WHOLE.fullmatch(text.strip().translate(_PLAIN))
    if match is None:
        raise ValueError(f"{text!r} is no document number")
    return DocumentNumber(
        match["agency"], match["series"], int(match["year"]), int(match["serial"])
    )


def find_numbers(text: str, agencies: Iterable[str] = ()) -> list[Found]:
    """Every document and matter number in a running text, in order.

    A sentence runs into the agency's name ("我局翁环罚字"): the longest of `agencies` that the
    words before 环 end with is the agency; where none does, the number is somebody else's.
    """
    plain = text.translate(_PLAIN)
    known = sorted(set(agencies), key=len, reverse=True)
    found = [*_documents(text, plain, known), *_matters(text, plain)]
    return sorted(found, key=lambda one: one.start)


def _documents(text: str, plain: str, known: list[str]) -> Iterator[Found]:
    for tail in re.finditer(rf"环{_TAIL}", plain):
        name = _agency_before(plain, tail.start(), known)
        if not name:
            continue
        start = tail.start() - len(name)
        try:
            number = DocumentNumber(name, tail["series"], int(tail["year"]), int(tail["serial"]))
        except ValueError:
            continue
        yield Found(
            start, tail.end(), text[start : tail.end()], str(number), name in known,
            number.agency, number.series, number.year,
        )  # fmt: skip


def _agency_before(plain: str, end: int, known: list[str]) -> str:
    run = re.search(rf"{_HAN}{{0,12}}\Z", plain[:end])
    words = run.group() if run else ""
    ours = next((name for name in known if words.endswith(name)), "")
    return ours or re.split(f"[{_BEFORE_NAME}]", words)[-1]


def _matters(text: str, plain: str) -> Iterator[Found]:
    for match in _MATTER.finditer(plain):
        number = f"{match['mark']}〔{match['year']}〕{match['division']}-{int(match['serial']):04d}"
        yield Found(match.start(), match.end(), text[match.start() : match.end()], number, own=True)
