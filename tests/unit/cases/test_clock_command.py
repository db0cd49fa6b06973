"""`farsight clock`: what it prints, and how it ends."""

from __future__ import annotations

import argparse
import json

import pytest

from farsight import clock


def run(*words: str) -> int:
    """The command as the shell calls it."""
    parser = argparse.ArgumentParser()
    clock.add_arguments(parser)
    return clock.run(parser.parse_args(words))


def test_it_prints_the_end_with_its_derivation_in_both_languages(capsys):
    """Article, start, roll, end."""
    assert run("filing", "--start", "2026-07-03") == 0

    out = capsys.readouterr().out
    assert "MEE order 30 (2023) art 18" in out
    assert "生态环境行政处罚办法第十八条" in out
    assert "rolls to 2026-07-20" in out


def test_json_is_one_document(capsys):
    """For scripts: the end as ISO in Beijing time, the last day, whether it is provisional."""
    options = ["--pause", "hearing=2026-09-01/2026-09-21", "--extend", "leader", "--json"]
    assert run("decision", "--start", "2026-08-20", *options) == 0

    answer = json.loads(capsys.readouterr().out)
    assert (answer["due"], answer["last_day"]) == ("2027-01-08T00:00:00+08:00", "2027-01-07")
    assert answer["provisional"]
    assert any("2026-09-01..2026-09-20" in line for line in answer["derivation"])


def test_an_open_pause_has_no_end(capsys):
    """FROM/ with nothing after the slash."""
    assert run("decision", "--start", "2026-08-20", "--pause", "2026-09-01/", "--json") == 0

    assert json.loads(capsys.readouterr().out)["due"] is None


def test_a_decided_day_is_given_with_the_extension(capsys):
    """Instalments."""
    assert run("pay", "--start", "2026-09-30", "--extend", "instalment=2027-03-01", "--json") == 0

    assert json.loads(capsys.readouterr().out)["last_day"] == "2027-03-01"


def test_without_a_key_it_lists_every_clock(capsys):
    """The law's and our own, told apart."""
    assert run() == 0
    text = capsys.readouterr().out
    assert run("--json") == 0
    rows = json.loads(capsys.readouterr().out)

    assert "crime_hand_over" in text
    assert {row["statutory"] for row in rows} == {True, False}
    assert len(rows) == len(text.splitlines())


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["filing"], 2, "--start is needed"),
        (["fillng", "--start", "2026-07-03"], 2, "no clock fillng"),
        (["filing", "--start", "2026-07-03", "--extend", "court"], 1, "one of: leader"),
        (["filing", "--start", "2026-07-03", "--pause", "2026-07-04/2026-07-05"], 1, "no pause"),
        (["crime_pause", "--start", "2026-07-03"], 1, "no term"),
    ],
)
def test_what_it_cannot_answer_is_said_in_one_line(capsys, words, code, says):
    """Bad usage is 2; what the law does not allow is 1 and names the article."""
    assert run(*words) == code

    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["filing", "--start", "tomorrow"],
        ["filing", "--start", "2026-07-03", "--pause", "2026-07-04"],
        ["filing", "--start", "2026-07-03", "--extend", "leader=soon"],
    ],
)
def test_nonsense_is_bad_usage(words):
    """argparse ends with 2."""
    with pytest.raises(SystemExit) as caught:
        run(*words)

    assert caught.value.code == 2
