"""投诉: complaints located, and the plants they name found by their names."""

from collections.abc import Iterator, Sequence

from services.detect.outside.records import Complaint, Plant
from services.detect.outside.rule import OutsideRule
from services.detect.outside.sign import OutsideSign
from services.detect.outside.words import moment

_MEDIA = {"air": "air", "odour": "air", "water": "water", "waste": "land"}
_NAMES = {"air": "大气", "odour": "异味", "water": "水", "noise": "噪声", "waste": "固废"}
#: A shorter name is part of too many words.
_SHORTEST = 3


def complaint_signs(
    complaints: Sequence[Complaint], plants: Sequence[Plant], rule: OutsideRule
) -> Iterator[OutsideSign]:
    """投诉 as signs: one each; places join those of one spot. Noise is another office's.

    A complaint names a plant by its own words (the accused, else the text) where they hold the
    full or short name of exactly one plant of its county. Its words are not repeated in the
    sign's sentence: they may tell who complained (domain.md J).
    """
    for one in complaints:
        if one.category == "noise":
            continue
        code = one.credit_code or named(one, plants)
        what = _NAMES.get(one.category, "")
        where = f"，地点{one.address}" if one.address else ""
        yield OutsideSign(
            key=f"complaint|{one.key}", kind="complaint", begin_s=one.begin_s,
            end_s=one.begin_s + 1, division=one.division,
            medium=_MEDIA.get(one.category, "air"), strength=0.3,
            seen=f"{moment(one.begin_s)}{one.channel}接到{what}投诉{where}"
            + ("，点名企业" if code else ""),
            silenced_by="没有此投诉", credit_code=code, point=one.point,
            radius_m=rule.complaint_reach_m,
            pollutant="VOC" if one.category == "odour" else "", sources=(one.key,),
        )  # fmt: skip


def named(complaint: Complaint, plants: Sequence[Plant]) -> str:
    """点名企业 of a complaint; empty where none or several are named."""
    for words in (complaint.accused, complaint.text):
        found = {
            one.credit_code
            for one in plants
            if one.division == complaint.division
            and any(len(name) >= _SHORTEST and name in words for name in (one.name, one.short_name))
        }
        if len(found) == 1:
            return found.pop()
    return ""
