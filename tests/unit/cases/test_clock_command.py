"""`farsight clock`: what it prints, and how it ends."""

from __future__ import annotations

import argparse
import datetime as dt
import json

import pytest

from farsight import clock
from services.cases.domain.clocks import Kind
from services.cases.rules import clock_table


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


def test_every_row_of_the_table_has_an_answer(capsys):
    """Each key, each version: an end, or days, or what it stops; always with its derivation."""
    for one in clock_table():
        start = str(one.valid_from or (one.valid_to or dt.date(2026, 7, 4)) - dt.timedelta(days=1))
        count = ["--until", "2026-07-20"] if one.kind is Kind.COUNT else []
        assert run(one.key, "--start", start, *count, "--json") == 0

        answer = json.loads(capsys.readouterr().out)
        assert answer["source"] == one.source
        assert answer["due"] or answer.get("days") or answer["stops"]
        assert one.source in answer["derivation"][0]
        assert len(answer["derivation"]) == len(answer["derivation_zh"]) > 1


def test_days_of_a_daily_penalty_and_their_sum(capsys):
    """The vector of 12 days at 550,000, and a second failed recheck that adds its own."""
    words = ["daily_count", "--start", "2026-09-01", "--until", "2026-09-13", "--fine", "550000"]
    assert run(*words, "--json") == 0
    one = json.loads(capsys.readouterr().out)
    assert run(*words, "--round", "2026-09-13/2026-09-20", "--json") == 0
    two = json.loads(capsys.readouterr().out)

    assert (one["due"], one["days"], one["sum"]) == (None, 12, 6_600_000)
    assert (two["days"], two["sum"]) == (19, 19 * 550_000)
    assert "Together 19 days." in two["derivation"]


def test_a_surcharge_stands_still_under_review(capsys):
    """Ten days of review are not counted; the sum never passes the fine."""
    words = ["pay", "--start", "2021-04-10", "--fine", "220000", "--json", "--paid-on"]
    assert run(*words, "2021-06-01", "--pause", "surcharge_stop=2021-05-01/2021-05-11") == 0
    some = json.loads(capsys.readouterr().out)
    assert run(*words, "2021-05-29") == 0
    full = json.loads(capsys.readouterr().out)

    assert some["last_day"] == "2021-04-25"
    assert some["surcharge"] == {
        "per_day": "6600.00", "days": 27, "days_not_counted": 10, "amount": "178200.00",
        "full_on_day": 34,
    }  # fmt: skip
    assert (full["surcharge"]["days"], full["surcharge"]["amount"]) == (34, "220000.00")


def test_what_a_suspension_stops(capsys):
    """And for how many days, when it ended."""
    assert run("crime_pause", "--start", "2026-09-01", "--until", "2026-10-20", "--json") == 0
    crime = json.loads(capsys.readouterr().out)
    assert run("surcharge_stop", "--start", "2026-09-01", "--json") == 0
    stop = json.loads(capsys.readouterr().out)

    assert (crime["due"], crime["stops"], crime["days"]) == (None, ["decision"], 49)
    assert (stop["stops"], stop["days"]) == (["surcharge"], None)


def test_a_supposed_calendar_is_compared_with_the_published_one(capsys, tmp_path):
    """What if the notice for 2027 made the last day a rest day."""
    table = tmp_path / "what-if.csv"
    table.write_text(
        "date,kind,festival,source\n2027-02-09,weekday_off,Spring Festival,guess\n", "utf-8"
    )
    words = ["decision", "--start", "2026-11-11", "--holidays", str(table)]
    assert run(*words, "--compare", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    table.write_text("date,kind,festival,source\n2027-02-31,weekday_off,x,y\n", "utf-8")
    assert run(*words) == 2

    assert (answer["last_day"], answer["provisional"]) == ("2027-02-10", False)
    assert answer["compare"]["published"]["last_day"] == "2027-02-09"
    assert answer["compare"]["published"]["provisional"]
    assert answer["compare"]["moved_days"] == 1
    assert "what-if.csv, row 2" in capsys.readouterr().err


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
        (["filing", "--start", "2026-07-03", "--until", "2026-08-01"], 2, "rows without a term"),
        (["filing", "--start", "2026-07-03", "--fine", "5"], 2, "for daily_count and pay"),
        (["filing", "--start", "2026-07-03", "--compare"], 2, "--compare needs --holidays"),
        (
            ["filing", "--start", "2026-07-03", "--holidays", "none.csv"],
            2,
            "none.csv can't be read",
        ),
        (["filling", "--start", "2026-07-03"], 2, "did you mean filing?"),
        (["daily_count", "--start", "2026-07-03"], 2, "give --until"),
        (
            ["daily_count", "--start", "2026-07-03", "--until", "2026-07-03"],
            1,
            "2026-07-04 or later",
        ),
        (["crime_pause", "--start", "2026-07-03", "--until", "2026-07-01"], 2, "lies before"),
        (["pay", "--start", "2026-07-03", "--paid-on", "2026-08-03"], 2, "--paid-on needs --fine"),
        (["seal", "--start", "2026-07-03", "--paid-on", "2026-08-03"], 2, "--paid-on is for pay"),
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
