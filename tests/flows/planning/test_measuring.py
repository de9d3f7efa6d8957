"""Figures: the vocabulary, what a file of measures/ says line by line, and what is looked up in it."""
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flows.planning import measuring
from flows.planning.reading import TEXT_BYTES, read
from flows.planning.resolving import resolve
from flows.planning.tabulating import LINE_CHARACTERS, MOST_TOLD, tabulate
from schemas.content import Content, SourceFile
from schemas.figure import Figure
from schemas.ledger import Slot
from schemas.place import Place
from schemas.problem import Problem

Sources = Callable[..., list[SourceFile]]
HEADER = "date,metric,channel,value,source\n"
GOOD = "2027-03-01,followers,mastodon,842,platform\n"


def content_of(files: list[SourceFile]) -> Content:
    return resolve(read(files, "content"), "content", "working tree", ("mastodon",), None)


def said(problems: tuple[Problem, ...]) -> list[str]:
    return [f"{p.place.line}:{p.place.column}: {p.code} {p.severity.value}: {p.message} {p.remedy}" for p in problems]


def wrong(line: str) -> list[str]:
    """What is said of one line beside a good one, which still counts."""
    made = tabulate(f"{HEADER}{line}\n{GOOD}", "content/measures/m.csv", ("mastodon", "linkedin"))
    assert made.figures is not None
    assert [one.value for one in made.figures] == [842]
    return said(made.problems)


# --- the vocabulary ---------------------------------------------------------------------------------------------------


def test_the_vocabulary_is_that_of_the_domain() -> None:
    """Every name that goals may use, with its unit and level, and none besides."""
    units = {name: (one.unit, one.level) for name, one in measuring.METRICS.items()}

    assert units == {
        "followers": ("count", "output"), "follower_growth": ("%", "output"), "reach": ("count", "output"),
        "impressions": ("count", "output"), "non_follower_reach": ("count", "output"),
        "engagements": ("count", "out-take"), "engagement_rate": ("%", "out-take"),
        "applause_rate": ("per post", "out-take"), "conversation_rate": ("per post", "out-take"),
        "amplification_rate": ("per post", "out-take"), "broadcast_share": ("0–1", "output"),
        "give_ask_ratio": ("ratio", "output"), "response_rate": ("0–1", "out-take"),
        "first_response_time": ("h", "out-take"), "share_of_voice": ("0–1", "out-take"),
        "net_sentiment": ("−1…1", "out-take"), "repeat_engagers": ("count", "out-take"),
        "clicks": ("count", "out-take"), "ctr": ("%", "out-take"), "sessions": ("count", "out-take"),
        "conversion_rate": ("%", "outcome"), "repeat_conversions": ("count", "outcome"), "value": ("money", "impact"),
        "cost": ("money", "impact"), "roi": ("%", "impact"), "cost_per_conversion": ("money", "impact"),
        "ugc_count": ("count", "out-take"), "ideas_from_crowd": ("count", "out-take"),
        "keyword_position": ("rank", "output"), "page_indexed": ("bool", "output"), "unfollow_rate": ("%", "output"),
        "silent_gap": ("d", "output"), "projection": ("count", "forecast"),
    }
    assert all(one.formula for one in measuring.METRICS.values())


def test_less_is_better_where_the_best_is_the_least() -> None:
    """Times, gaps, costs, ranks and losses; a rate with a best value at its top is the other way round."""
    assert {name for name, one in measuring.METRICS.items() if one.less_is_better} == {
        "broadcast_share", "cost", "cost_per_conversion", "first_response_time", "keyword_position", "silent_gap",
        "unfollow_rate"}
    assert {name for name, one in measuring.METRICS.items() if not one.is_count and one.best is None} == {
        "follower_growth", "page_indexed", "roi"}


def test_conversions_are_a_family() -> None:
    """`conversions.<event>` is a count of outcomes for any event, and the name without one is none."""
    found = measuring.metric("conversions.member_signup")

    assert found is not None
    assert (found.name, found.unit, found.level, found.is_count) == (
        "conversions.member_signup", "count", "outcome", True)
    assert [measuring.metric(name) for name in ("conversions.", "conversions", "conversions.a b", "Followers", "")] == [
        None] * 5


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("folowers", "followers"),
        ("Followers", "followers"),
        ("response rate", "response_rate"),
        ("CTR", "ctr"),
        ("conversion.member_signup", "conversions.member_signup"),
        ("conversions", "conversions.<event>"),
        ("conversions.", "conversions.<event>"),
        ("conversion_rates", "conversion_rate"),
        ("hats", None),
        ("", None),
    ],
)
def test_the_closest_name_is_known(written: str, meant: str | None) -> None:
    """A slip leads to the name that was meant; what is like nothing leads nowhere."""
    assert measuring.closest(written) == meant


# --- what a file says -------------------------------------------------------------------------------------------------


def test_a_line_becomes_a_figure_with_its_place(sources: Sources) -> None:
    """Day, metric, channel, value and source, and the line it stands in."""
    content = content_of(sources({"measures/2027.csv": HEADER + GOOD}))

    assert content.figures == (
        Figure(date(2027, 3, 1), "followers", "mastodon", 842.0, "platform", Place("content/measures/2027.csv", 2)),)
    assert content.problems == ()


def test_no_file_is_not_an_empty_one(sources: Sources) -> None:
    """None: nobody wrote a figure down anywhere. A file with nothing but its header says that there are none."""
    assert content_of(sources({})).figures is None
    assert content_of(sources({"measures/2027.csv": HEADER})).figures == ()


def test_figures_are_in_order_of_days(sources: Sources) -> None:
    """Whatever the order of files and lines; those of one day as their files and lines are."""
    content = content_of(sources({
        "measures/b.csv": HEADER + "2027-01-02,clicks,all,1,x\n2027-01-01,clicks,all,2,x\n",
        "measures/a.csv": HEADER + "2027-01-02,clicks,all,3,x\n2027-01-02,clicks,all,4,x\n"}))

    assert [one.value for one in content.figures or ()] == [2, 3, 4, 1]


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b"\xef\xbb\xbf" + (HEADER + GOOD).encode(), [842]),
        ((HEADER + GOOD).replace("\n", "\r\n").encode(), [842]),
        ((HEADER + GOOD).replace("\n", "\r").encode(), [842]),
        (f"\n{HEADER}\n  \n{GOOD}\n,,,,\n".encode(), [842]),
        ((HEADER + GOOD).rstrip("\n").encode(), [842]),
        ((HEADER + '"2027-03-01","followers","mastodon","842","a ""b"", c"\n').encode(), [842]),
        ((HEADER + " 2027-03-01 , followers , all , 842 , x \n").encode(), [842]),
        ((HEADER + "2027-03-01,followers,all,842,\n").encode(), [842]),
        (b"value,source,x-note,channel,metric,date\n842,x,hello,all,followers,2027-03-01\n", [842]),
        ((HEADER + "2027-03-01,net_sentiment,all,-1,x\n2027-03-02,net_sentiment,all,+.5,x\n").encode(), [-1, 0.5]),
        ((HEADER + "2027-03-01,page_indexed,all,true,x\n2027-03-02,page_indexed,all,0,x\n").encode(), [1, 0]),
        ((HEADER + "2027-03-01,response_rate,all,1,x\n2027-03-02,keyword_position,all,1,x\n").encode(), [1, 1]),
        ((HEADER + "2027-03-01,roi,all,-40,x\n2027-03-02,ctr,all,150,x\n").encode(), [-40, 150]),
    ],
)
def test_what_spreadsheets_write_is_read(data: bytes, values: list[float], sources: Sources) -> None:
    """A byte order mark, line ends, empty rows, quotes, blanks, and columns in another order."""
    content = content_of(sources({"measures/m.csv": data}))

    assert [one.value for one in content.figures or ()] == values
    assert content.problems == ()


def test_a_quoted_source_keeps_its_comma() -> None:
    """Quotes are taken off and doubled ones are one."""
    made = tabulate(HEADER + '2027-03-01,clicks,all,1,"CRM, ""new"""\n', "m.csv", ())

    assert [one.source for one in made.figures or ()] == ['CRM, "new"']


NUMBER = "Write digits, with a point where it needs one, like 1234 or 0.91;"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("2027-02-30,clicks,all,1,x", "2:1: SYN002 error: '2027-02-30' is not a day. Write it as YYYY-MM-DD, for "
         "example 2027-03-04."),
        ("01.03.2027,clicks,all,1,x", "2:1: SYN002 error: '01.03.2027' is not a day. Write it as YYYY-MM-DD, for "
         "example 2027-03-04."),
        ("0001-01-01,clicks,all,1,x", "2:1: SYN002 error: '0001-01-01' is not a day. Write it as YYYY-MM-DD, for "
         "example 2027-03-04."),
        (",clicks,all,1,x", "2:1: SYN002 error: date is empty. Write the day it is of, for example 2027-03-04."),
        ("2027-03-01,folowers,all,1,x", "2:12: SYN002 error: No metric is called 'folowers'. Did you mean followers?"),
        ("2027-03-01,hats,all,1,x", "2:12: SYN002 error: No metric is called 'hats'. Use a name of the vocabulary, for "
         "example followers or conversions.<event>."),
        ("2027-03-01,,all,1,x", "2:12: SYN002 error: metric is empty. Name what was counted, for example followers."),
        ("2027-03-01,clicks,mastodn,1,x", "2:19: REF001 error: channel: no channel 'mastodn'. Closest: mastodon."),
        ("2027-03-01,clicks,zzz,1,x", "2:19: REF001 error: channel: no channel 'zzz'. Add it to networks/channels.yaml,"
         " or write all."),
        ("2027-03-01,clicks,,1,x", "2:19: SYN002 error: channel is empty. Write the id of a channel, or all."),
        ('2027-03-01,clicks,all,"1,234",x', f"2:23: SYN002 error: '1,234' is not a number. {NUMBER} clicks is a "
         "count."),
        ("2027-03-01,ctr,all,3%,x", f"2:20: SYN002 error: '3%' is not a number. {NUMBER} ctr is in %."),
        ("2027-03-01,clicks,all,nan,x", f"2:23: SYN002 error: 'nan' is not a number. {NUMBER} clicks is a count."),
        ("2027-03-01,clicks,all,1e3,x", f"2:23: SYN002 error: '1e3' is not a number. {NUMBER} clicks is a count."),
        ("2027-03-01,clicks,all,true,x", f"2:23: SYN002 error: 'true' is not a number. {NUMBER} clicks is a count."),
        ("2027-03-01,clicks,all,²,x", f"2:23: SYN002 error: '²' is not a number. {NUMBER} clicks is a count."),
        ("2027-03-01,clicks,all,,x", "2:23: SYN002 error: value is empty. Write a number, or remove the line."),
        ("2027-03-01,response_rate,all, 91,x", "2:31: SYN002 error: response_rate cannot be 91: it is a share from 0 to"
         " 1. Write 0.91, if that is meant."),
        ("2027-03-01,response_rate,all,-0.1,x", "2:30: SYN002 error: response_rate cannot be -0.1: it is a share from 0"
         " to 1. Look at the figure again."),
        ("2027-03-01,keyword_position,all,0,x", "2:33: SYN002 error: keyword_position cannot be 0: it is a rank, and 1 "
         "is first. Look at the figure again."),
        ("2027-03-01,page_indexed,all,5,x", "2:29: SYN002 error: page_indexed cannot be 5: it is 1 or 0. Look at the "
         "figure again."),
        ("2027-03-01,page_indexed,all,0.5,x", "2:29: SYN002 error: page_indexed cannot be 0.5: it is 1 or 0. Look at "
         "the figure again."),
        ("2027-03-01,net_sentiment,all,-41,x", "2:30: SYN002 error: net_sentiment cannot be -41: it is from -1 to 1. "
         "Write -0.41, if that is meant."),
        ("2027-03-01,clicks,all,1,234,x", "2:29: SYN002 error: This line has 6 values, and there are 5 columns. Write "
         "1234 without a comma, and put quotes around a text that has one."),
        ("2027-03-01,clicks,all", "2:19: SYN002 error: This line has 3 values, and there are 5 columns. Write "
         "1234 without a comma, and put quotes around a text that has one."),
        ('2027-03-01,"clicks,all,1,x', '2:1: SYN002 error: A quote of this line is not closed, or something stands '
         'behind it. Write "…" around the whole value, a quote inside as "", and each figure on one line.'),
        ('2027-03-01,clicks,all,1,"a" b', '2:1: SYN002 error: A quote of this line is not closed, or something stands '
         'behind it. Write "…" around the whole value, a quote inside as "", and each figure on one line.'),
        ("2027-03-01,clicks,all,1," + "x" * LINE_CHARACTERS, "2:1: SYN002 error: This line has 1,024 characters; 1,000 "
         "fit. Write each figure on a line of its own, and shorten its source."),
    ],
)  # fmt: skip
def test_a_wrong_line_is_told_and_the_others_count(line: str, problem: str) -> None:
    """One message with file, line, column and remedy; the line after it is a figure."""
    assert wrong(line) == [problem]


@pytest.mark.parametrize(
    ("header", "problems"),
    [
        ("date;metric;channel;value;source",
         ["1:1: SYN002 error: The first line must name the columns. Write date,metric,channel,value,source, with "
          "commas."]),
        ("2027-03-01,followers,mastodon,1,x",
         ["1:1: SYN002 error: The first line must name the columns. Write date,metric,channel,value,source, with "
          "commas."]),
        ("", ["1:1: SYN002 error: The first line must name the columns. Write date,metric,channel,value,source, with "
              "commas."]),
        ("date,metric,channel,value",
         ["1:1: SYN002 error: The column source is missing. The first line is date,metric,channel,value,source."]),
        ("date,metric", ["1:1: SYN002 error: These columns are missing: channel, value, source. The first line is "
                         "date,metric,channel,value,source."]),
        ("date,metric,chanel,value,source",
         ["1:13: SYN002 error: No column is called 'chanel'. Did you mean channel?"]),
        ("date,metric,channel,value,source,value", ["1:34: SYN002 error: The column value stands twice. Keep one of "
                                                    "them."]),
    ],
)  # fmt: skip
def test_a_header_that_means_nothing_stops_the_file(header: str, problems: list[str], sources: Sources) -> None:
    """Nobody knows what the columns mean, so the lines are not judged, and the file counts as unread."""
    content = content_of(sources({"measures/m.csv": f"{header}\n{GOOD if header else ''}"}))

    assert said(content.problems) == problems
    assert content.figures is None
    assert content.unreadable == {"measures/m.csv"}


def test_an_unknown_column_is_told_and_the_others_are_read() -> None:
    """A column that has no meaning spoils nothing; one that begins with x- is the author's own."""
    made = tabulate("date,metric,channel,value,source,mood,x-mood\n2027-03-01,clicks,all,1,x,fine,fine\n", "m.csv", ())

    assert said(made.problems) == [
        "1:34: SYN002 error: No column is called 'mood'. Remove it, or let its name begin with x-."]
    assert [one.value for one in made.figures or ()] == [1]


def test_of_very_many_wrong_lines_the_first_are_told() -> None:
    """A program's mistake in every line is one mistake; what is right among them counts."""
    made = tabulate(HEADER + "hello\n" * (MOST_TOLD + 7) + GOOD, "m.csv", ("mastodon",))

    assert len(made.problems) == MOST_TOLD + 1
    assert said(made.problems)[-1] == (
        "102:1: SYN002 error: 7 more lines of this file are wrong. Mend those above first.")
    assert len(made.figures or ()) == 1


def test_what_is_not_told_costs_no_thought() -> None:
    """Only of lines that are told anybody asks which name was meant: the hundredth is, the next one is not."""
    made = tabulate(HEADER + "2027-03-01,folowers,all,1,x\n" * (MOST_TOLD + 1), "m.csv", ())

    assert [problem.remedy for problem in made.problems[-2:]] == [
        "Did you mean followers?", "Mend those above first."]


def test_a_hundred_wrong_lines_are_told_one_by_one() -> None:
    """At the limit nothing is summed up."""
    made = tabulate(HEADER + "hello\n" * MOST_TOLD, "m.csv", ())

    assert [problem.place.line for problem in made.problems] == list(range(2, MOST_TOLD + 2))


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (b"date,metric\n\xff\n", "2:1: SYN001 error: cannot be read: it is not UTF-8 (byte 0xff). Save the file as "
         "UTF-8."),
        (SourceFile("measures/m.csv", "b", TEXT_BYTES + 1, "file", b"x"), "1:1: SYN001 error: cannot be read: it holds "
         "256,001 bytes; a text file may hold 256,000. Keep the text, and move everything else out of the file."),
        (SourceFile("measures/m.csv", "b", 10, "symlink"), "1:1: SYN001 error: cannot be read: it is a symlink. Put "
         "the file itself here."),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_told(file: Any, problem: str, sources: Sources) -> None:
    """As every other text file: encoding, size, and what is no file."""
    content = content_of(sources({"measures/m.csv": file}))

    assert said(content.problems) == [problem]
    assert content.figures is None
    assert content.unreadable == {"measures/m.csv"}


def test_channels_that_nobody_could_read_are_not_told_missing(sources: Sources) -> None:
    """A broken channels.yaml has a problem of its own."""
    content = content_of(sources({"networks/channels.yaml": "channels: [", "measures/m.csv": HEADER + GOOD}))

    assert [problem.code for problem in content.problems] == ["SYN001"]
    assert len(content.figures or ()) == 1


def test_a_secret_in_a_figure_is_found_and_never_printed(sources: Sources) -> None:
    """SYN007 looks into these files too, and the message about the line shows nothing of it."""
    token = "ghp_" + "a1B2" * 9
    content = content_of(sources({"measures/m.csv": f"{HEADER}2027-03-01,{token},all,1,x\n"}))

    assert sorted(problem.code for problem in content.problems) == ["SYN002", "SYN007"]
    assert not any(token in problem.message for problem in content.problems)


@pytest.mark.parametrize(
    "path", ["measures/2027/march.csv", "measures/2027.CSV", "measures/2027.xlsx", "measures/2027.tsv"])
def test_a_table_in_the_wrong_shape_is_not_lost(path: str, sources: Sources) -> None:
    """SYN010: figures that nothing reads are said, with what to do."""
    content = content_of(sources({path: b"x"}))

    assert said(content.problems) == ["1:1: SYN010 warning: Nothing reads this file. Save it as CSV in measures/ "
                                      "itself, for example as measures/2027.csv."]


@given(text=some.text(alphabet='date,metricvalu"\n\r;01 -.%x\x00é', max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever a file holds after its header, every line that says something is a figure or a problem, or empty."""
    made = tabulate(HEADER + text, "m.csv", ("mastodon",))

    lines = {number for number, line in enumerate(text.split("\n"), 2) if re.search(r"[^\s,\"]", line)}
    told = {problem.place.line for problem in made.problems} | {one.place.line for one in made.figures or ()}
    assert lines <= told


# --- looking up -------------------------------------------------------------------------------------------------------


def figure(day: str, value: float, metric: str = "followers", channel: str = "mastodon", source: str = "x",
           line: int = 2) -> Figure:
    return Figure(date.fromisoformat(day), metric, channel, value, source, Place("content/measures/m.csv", line))


FIGURES = (
    figure("2027-01-01", 100), figure("2027-01-10", 110), figure("2027-01-10", 111, line=3),
    figure("2027-01-20", 150), figure("2027-01-10", 7, channel="linkedin"), figure("2027-01-15", 300, channel="all"),
    figure("2027-01-12", 0, "engagements", source="posts/a@mastodon#1"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("channel", "until", "value"),
    [
        ("mastodon", "2027-01-20", 150),
        ("mastodon", "2027-01-19", 111),
        ("mastodon", "2027-01-01", 100),
        ("mastodon", "2026-12-31", None),
        ("linkedin", "2027-01-20", 7),
        ("all", "2027-01-20", 300),
        ("bluesky", "2027-01-20", None),
        (None, "2027-01-19", 300),
    ],
)
def test_the_latest_figure_up_to_a_day(channel: str | None, until: str, value: float | None) -> None:
    """The day itself counts; of one day the last line; "all" is a channel of its own, None is any."""
    for figures in (FIGURES, FIGURES[::-1]):
        found = measuring.latest(figures, "followers", channel, date.fromisoformat(until))
        assert (found.value if found else None) == value


def test_where_nobody_counted_nothing_is_found() -> None:
    """None instead of figures gives nothing, and no error."""
    day = date(2027, 1, 20)

    assert measuring.latest(None, "followers", None, day) is None
    assert measuring.series(None, "followers", "all", day, day) == ()
    assert measuring.median(None, "followers", "all", day, day) is None


def test_a_series_holds_both_its_days() -> None:
    """In order of time, from day to day."""
    found = measuring.series(FIGURES[::-1], "followers", "mastodon", date(2027, 1, 1), date(2027, 1, 10))

    assert [one.value for one in found] == [100, 110, 111]


@pytest.mark.parametrize(("values", "middle"), [((3,), 3), ((1, 9), 5), ((9, 1, 2), 2), ((), None)])
def test_the_median_is_the_middle(values: tuple[float, ...], middle: float | None) -> None:
    """Of an even number the mean of the two in the middle."""
    figures = [figure("2027-01-01", value) for value in values]

    assert measuring.median(figures, "followers", "mastodon", date(2027, 1, 1), date(2027, 1, 1)) == middle


def test_a_figure_of_a_post_is_not_one_of_its_channel() -> None:
    """A source that is a slot says which post is meant; other signs # do not."""
    assert measuring.slot_of(FIGURES[-1]) == Slot("posts/a", "mastodon", "1")
    assert measuring.slot_of(figure("2027-01-01", 1, source="CRM export #3")) is None
    assert measuring.latest(FIGURES, "engagements", "mastodon", date(2027, 1, 20)) is None


@pytest.mark.parametrize(
    ("value", "whole", "short"),
    [(1234, "1234", "1230"), (0.91, "0.91", "0.91"), (60_000 / 34, "1764.705882", "1760"), (-0.0412345, "-0.0412345",
     "-0.0412"), (12_345_678_901, "12345678901", "12300000000"), (0.00001, "0.00001", "0.00001"), (0, "0", "0"),
     (1e300, "1e+300", "1e+300"), (0.1 + 0.2, "0.3", "0.3")],
)  # fmt: skip
def test_numbers_are_shown_as_people_write_them(value: float, whole: str, short: str) -> None:
    """In digits, without powers of ten, up to what nobody counts to."""
    assert (measuring.shown(value), measuring.about(value)) == (whole, short)
