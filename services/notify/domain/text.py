"""短信文本 How long a text is and how it is cut: UCS-2, 70 characters alone, 67 a part when longer.

A character outside the basic plane takes two UCS-2 units and is never cut in two. A concatenated
part begins with the six-byte header of 3GPP TS 23.040 9.2.3.24.1, which leaves 134 of 140 octets.
"""

SINGLE_UNITS = 70
PART_UNITS = 67
_MOST_PARTS = 255


def units(text: str) -> int:
    """Length in UCS-2 units.

    >>> units("超标"), units("𠮷")
    (2, 2)
    """
    return len(text.encode("utf-16-be")) // 2


def parts_of(text: str) -> int:
    """How many SMS a text takes.

    >>> [parts_of("字" * n) for n in (70, 71, 134, 135)]
    [1, 2, 2, 3]
    """
    return len(cut(text))


def cut(text: str) -> list[str]:
    """The text in pieces that each fit one SMS. Raises ValueError beyond 255 pieces."""
    if units(text) <= SINGLE_UNITS:
        return [text]
    pieces, piece, size = [], "", 0
    for character in text:
        width = units(character)
        if size + width > PART_UNITS:
            pieces.append(piece)
            piece, size = "", 0
        piece, size = piece + character, size + width
    pieces.append(piece)
    if len(pieces) > _MOST_PARTS:
        raise ValueError("a text of more than 255 SMS parts")
    return pieces


def encode_parts(text: str, reference: int) -> list[bytes]:
    """The octets of each SMS. `reference` (0-255) ties the parts together on the phone.

    It is given and not random: the same text sent again joins the parts that arrived before.
    """
    pieces = [piece.encode("utf-16-be") for piece in cut(text)]
    if len(pieces) == 1:
        return pieces
    total = len(pieces)
    return [
        bytes([5, 0, 3, reference & 0xFF, total, number]) + piece
        for number, piece in enumerate(pieces, start=1)
    ]


def shorten(value: str, limit: int) -> str:
    """The value itself, or its beginning and an ellipsis in `limit` UCS-2 units.

    >>> shorten("某某热电有限公司", 5)
    '某某热电…'
    """
    if units(value) <= limit:
        return value
    kept = ""
    for character in value:
        if units(kept + character) > limit - 1:
            break
        kept += character
    return kept + "…"
