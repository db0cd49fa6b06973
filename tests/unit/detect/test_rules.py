"""Rules are data: complete, checked when read, and every field their wording names exists."""

import datetime as dt
import string

import pytest
import yaml

from services.chassis.errors import InputRejected
from services.detect.domain.rule import RuleBook
from services.detect.packs.rule_files import SCHEMA, read_clue_rule, read_rule
from tests.unit.detect.scene import BOOK, MONDAY

GOOD = {
    "id": "silence", "version": "9", "in_force_from": dt.date(2020, 1, 1), "in_force_to": None,
    "family": "timing", "pattern": "D11", "confidential": False, "statistic": "s",
    "statistic_unit": "h",
    "legal_basis": {"instrument": "i", "clause": "c", "source": "s", "confidence": "sure"},
    "parameters": {"warning_h": 2, "dispatch_h": 12, "report_every_h": 24},
    "wording": {
        "seen": "a", "silenced_by": "b",
        "fragments": {"back": "{time}", "withdrawn": "c", "withdrawn_why": "{reason}"},
    },
}  # fmt: skip


def _read(**changes: object):
    return read_rule(yaml.safe_dump(GOOD | changes, allow_unicode=True).encode(), "x.yaml")


def test_all_rules_are_there_with_a_legal_basis():
    """Each names instrument, clause, source and confidence, and was in force last Monday."""
    assert set(BOOK.ids) >= set(SCHEMA)
    for rule_id in BOOK.ids:
        rule = BOOK.at(rule_id, MONDAY)
        assert all(rule.legal_basis.__dict__.values())
        assert rule.first_hour <= MONDAY < rule.end_hour
        assert rule.wording.fragments["withdrawn"]
        assert "{reason}" in rule.wording.fragments["withdrawn_why"]


def test_a_good_file_reads():
    """The file all broken ones below are made from."""
    assert _read().version == "9"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"surprise": 1}, "surprise.*take it out"),
        ({"parameters": {"warning_h": 2}}, "missing \\['dispatch_h', 'report_every_h'\\]"),
        ({"parameters": GOOD["parameters"] | {"warnings_h": 2}}, "unknown \\['warnings_h'\\]"),
        ({"parameters": GOOD["parameters"] | {"warning_h": "2"}}, "warning_h: '2' is no number"),
        ({"id": "telepathy"}, "no kernel"),
        ({"in_force_from": "soon"}, "in_force_from: not a day"),
        ({"in_force_from": 20180301}, "in_force_from: not a day"),
        ({"in_force_to": dt.date(2019, 1, 1)}, "not before in_force_to"),
        ({"version": 9}, "version: .* put the text in quotes"),
        ({"confidential": "yes"}, "confidential: .* write true or false"),
        ({"legal_basis": {"instrument": "i"}}, "legal_basis.clause: Field required"),
        ({"legal_basis": GOOD["legal_basis"] | {"confidence": "very"}}, "'sure', 'likely'"),
        ({"wording": GOOD["wording"] | {"fragments": {"back": "a"}}}, "lacks withdrawn"),
        ({"wording": GOOD["wording"] | {"seen": "{"}}, "wording: .* for a brace"),
        ({"wording": GOOD["wording"] | {"seen": "{name!r}"}}, "more than plain fields"),
        ({"wording": GOOD["wording"] | {"seen": "{price}"}}, "unknown fields \\['price'\\]"),
    ],
)
def test_a_broken_file_is_refused_by_name(changes, said):
    """The process ends at start with one line that names the file and the fault."""
    with pytest.raises(InputRejected, match=f"x.yaml.*{said}"):
        _read(**changes)


@pytest.mark.parametrize("text", ["[1, 2]", "a: b: c", "", "just text"])
def test_a_file_that_is_no_rule_is_refused(text):
    """Not YAML, or not a mapping."""
    with pytest.raises(InputRejected, match=r"x\.yaml"):
        read_rule(text.encode(), "x.yaml")
    with pytest.raises(InputRejected, match=r"x\.yaml"):
        read_clue_rule(text.encode(), "x.yaml")


def test_two_versions_in_force_on_one_day_are_refused():
    """Which version judged an hour must never be a matter of chance."""
    old = _read(in_force_to=dt.date(2024, 6, 1))
    new = _read(version="10", in_force_from=dt.date(2024, 5, 1))

    with pytest.raises(InputRejected, match="versions 9 and 10"):
        RuleBook([old, new], BOOK.clue_rule, {})


def test_each_hour_has_the_version_in_force_in_it():
    """A version ends at Beijing midnight; the next one begins there."""
    old = _read(in_force_to=dt.date(2024, 6, 1))
    new = _read(version="10", in_force_from=dt.date(2024, 6, 1))
    book = RuleBook([new, old], BOOK.clue_rule, {})

    assert book.at("silence", new.first_hour - 1).version == "9"
    assert book.at("silence", new.first_hour).version == "10"
    assert new.first_hour * 3600 == dt.datetime(2024, 5, 31, 16, tzinfo=dt.UTC).timestamp()


def test_factor_names_come_from_the_standard_and_unknown_codes_name_themselves():
    """HJ 524/525 names; a code nobody knows is shown as it was received."""
    assert BOOK.factor("w01018").name_zh == "化学需氧量"
    assert BOOK.factor("x99999").name_zh == "x99999"


def test_wordings_are_sentences_without_leftover_braces():
    """Every template parses; field names are plain words."""
    for rule_id in BOOK.ids:
        wording = BOOK.at(rule_id, MONDAY).wording
        for text in (wording.seen, wording.silenced_by, *wording.fragments.values()):
            names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
            assert all(name.isidentifier() for name in names)
