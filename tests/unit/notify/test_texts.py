"""Lengths, cutting and templates: what can go out, and that it fits."""

from importlib import resources

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import InputRejected
from services.notify.domain import text
from services.notify.domain.templates import Template, read_templates

DATA = resources.files("services.notify") / "data"
DOCUMENT = yaml.safe_load((DATA / "templates.yaml").read_text(encoding="utf-8"))
SIGNATURE = yaml.safe_load((DATA / "policy.yaml").read_text(encoding="utf-8"))["signature"]


@pytest.mark.parametrize(("count", "parts"), [(70, 1), (71, 2), (134, 2), (135, 3)])
def test_lengths_follow_the_ucs2_rule(count, parts):
    """The four cases of the reference vectors."""
    assert text.parts_of("字" * count) == parts


@given(st.text(alphabet=st.sampled_from("超标ab𠮷😀，"), max_size=400))
def test_cutting_loses_nothing_and_never_splits_a_character(content):
    """The pieces join to the text again, fit their octets, and decode one by one."""
    pieces = text.encode_parts(content, reference=7)

    bodies = [p[6:] if len(pieces) > 1 else p for p in pieces]
    assert "".join(body.decode("utf-16-be") for body in bodies) == content
    assert all(len(piece) <= 140 for piece in pieces)
    assert len(pieces) == text.parts_of(content)


def test_the_header_of_a_long_text_counts_its_parts_and_repeats_when_sent_again():
    """UDH 05 00 03 ref total number; the same reference gives the same octets."""
    first = text.encode_parts("字" * 100, reference=300)

    assert [part[:6] for part in first] == [bytes([5, 0, 3, 44, 2, 1]), bytes([5, 0, 3, 44, 2, 2])]
    assert text.encode_parts("字" * 100, reference=300) == first


@given(st.text(max_size=60), st.integers(min_value=1, max_value=30))
def test_shortened_values_keep_their_limit(value, limit):
    """Never longer than allowed, and untouched where it fits."""
    short = text.shorten(value, limit) if "\ud800" not in value else ""

    assert text.units(short) <= limit
    if text.units(value) <= limit:
        assert short == value


def test_the_shipped_templates_fit_at_their_longest_and_keep_the_audience_apart():
    """Reading checks the worst case; no enterprise text speaks of a clue, a case or a referral."""
    templates = read_templates(DOCUMENT, SIGNATURE)

    for template in templates.values():
        assert text.parts_of(template.longest(SIGNATURE)) <= template.max_parts
        if template.audience == "enterprise":
            assert not any(word in template.text for word in ("线索", "案件", "移送", "立案"))
        assert "http" not in template.text


def make(**changes: object):
    """A template of one parameter."""
    row = {"key": "k", "audience": "any", "text": "{a}。", "max_parts": 1, "parameters": {"a": 5}}
    return {"templates": [{**row, **changes}]}


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "{a}{b}"},
        {"parameters": {"a": 5, "b": 1}},
        {"parameters": {"a": 90}},
        {"audience": "press"},
    ],
)
def test_a_template_with_a_fault_is_refused_when_the_file_is_read(changes):
    """Unknown names, a worst case beyond its parts, an unknown audience."""
    with pytest.raises(ValueError, match="template k"):
        read_templates(make(**changes), SIGNATURE)


def test_parameters_are_inserted_and_never_interpreted():
    """Braces in a value stay braces; a line break becomes a space; a long value is cut."""
    template = Template("k", "any", "{a}。", 1, {"a": 6})

    assert template.render("测试", {"a": "{b}"}) == "【测试】{b}。"
    assert template.render("测试", {"a": "x\ny"}) == "【测试】x y。"
    assert template.render("测试", {"a": "1234567"}) == "【测试】12345…。"


@pytest.mark.parametrize("value", ["http://x", "WWW.x", "看a.cn吧"])
def test_a_value_with_a_link_or_a_missing_value_is_rejected(value):
    """No text carries a link, and none goes out with a hole."""
    template = Template("k", "any", "{a}。", 1, {"a": 20})

    with pytest.raises(InputRejected):
        template.render("测试", {"a": value})
    with pytest.raises(InputRejected):
        template.render("测试", {})
