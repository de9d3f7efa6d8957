"""Where each value of a post comes from, and how each time came about: always what the plan really uses."""
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import publishers
from flows.edges.repository import working_tree
from flows.planning.deriving import derive
from flows.planning.preparing import Prepared, prepare
from flows.planning.tracing import Traced, trace
from schemas.content import Resolved
from schemas.ledger import Slot
from schemas.notation import span
from schemas.place import Place
from schemas.plan import Item
from schemas.post import Head

Make = Callable[..., Prepared]
NOW = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
SAMPLE = Path(__file__).parents[3] / "content"
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)


def traced(made: Prepared, id: str) -> list[Traced]:
    """What is traced of a post, draft or not."""
    resolved = next((post for post in made.content.posts if post.id == id), None)
    post = resolved.post if resolved is not None else next(one for one in made.content.drafts if one.id == id)
    return list(trace(made.content, post, resolved))


def told(made: Prepared, id: str, *fields: str) -> list[str]:
    """`field on channels = value (source, line)` of the fields named."""
    return [f"{' on '.join([one.field, *([', '.join(one.channels)] if one.channels else [])])} = {one.value} "
            f"({', '.join([one.source, *([_where(one.place)] if one.place else [])])})"
            for one in traced(made, id) if one.field in fields]


def _where(place: Place) -> str:
    return f"{place.file.rpartition('/')[2]}:{place.line}"


def agree(made: Prepared, post: Resolved) -> None:
    """Every traced value is what was resolved, for each channel; every resolved value is traced."""
    found = trace(made.content, post.post, post)
    values: dict[str, Any] = {one.field: one.value for one in found if not one.channels}
    head, items = post.post.head, {i.channel.id: i for i in made.plan.items if i.slot.post == post.id}
    assert values.get("channels", ()) == tuple(channel.id for channel in post.channels)
    for name in ("intent", "goal", "funnel", "audience", "pillar", "origin", "link"):
        assert values.get(name) == getattr(post, name), name
    assert values.get("hashtags", ()) == post.hashtags
    assert tuple(use.file for use in values.get("media", ())) == tuple(use.file for use in head.media or ())
    assert {one.field.removeprefix("alt of "): one.value for one in found if one.field.startswith("alt of ")} == {
        media.use.file: media.alt for media in post.media if media.alt is not None}
    for name, field in Head.model_fields.items():                 # what stands in the head is told, with its own value
        value = getattr(head, name)
        if name not in ("funnel", "channels") and value not in (None, (), False, {}):
            assert values[field.alias or name] == value, name
    language = getattr(made.content.entry("strategy"), "language", None)
    for channel in post.channels:
        here = {one.field: one.value for one in found if not one.channels or channel.id in one.channels}
        assert here["timezone"] == (post.timezone or channel.timezone or made.content.timezone)
        assert here.get("language") == (post.language or channel.language or language)
        assert here["max_per_day"] == channel.max_per_day
        assert here.get("link_placement", channel.link_placement) == channel.link_placement
        if channel.id in items:
            assert span(here["grace"]).total_seconds() == items[channel.id].grace_s
            assert here["timezone"] == items[channel.id].zone


# --- it agrees with what is resolved ----------------------------------------------------------------------------------


def test_every_traced_value_of_the_sample_is_the_resolved_one() -> None:
    """For each post of the sample, what is traced is what the plan uses."""
    made = prepare(working_tree(SAMPLE), "content", "working tree", networks=publishers.available(),
                   judge=publishers.judge, now=datetime(2026, 10, 1, tzinfo=UTC))

    assert len(made.content.posts) == 12
    for post in made.content.posts:
        agree(made, post)


_OPTIONAL = {
    "intent": st.sampled_from(["give", "ask", "inform"]), "pillar": st.sampled_from(["how", "who"]),
    "audience": st.sampled_from(["a", "b"]), "goal": st.sampled_from(["g", "h"]),
    "funnel": st.sampled_from(["purchase", "loyalty"]), "origin": st.sampled_from(["curated", "ugc"]),
    "channels": st.sampled_from(["[m]", "[x, m]", "[old, x]"]), "hashtags": st.sampled_from(["[One]", "[Two, One]"]),
    "timezone": st.sampled_from(["Asia/Tokyo", "UTC"]), "language": st.sampled_from(["de", "fr"]),
    "grace": st.sampled_from(["30m", "4h"]), "tactic": st.sampled_from(["t", "u"]),
    "link": st.just("https://ours.example/a"), "invites_reply": st.sampled_from(["true", "false"]),
    "slot": st.sampled_from(["next", "tue 08:45"]), "id": st.just("pinned"),
}
_FIELDS = st.fixed_dictionaries({}, optional=_OPTIONAL)
_ON_CHANNEL = st.fixed_dictionaries({}, optional={
    "timezone": st.sampled_from(["Asia/Tokyo", "America/New_York"]), "language": st.just("it"),
    "grace": st.just("1h"), "max_per_day": st.sampled_from(["1", "2"]), "link_placement": st.just("card")})
_AROUND = st.fixed_dictionaries({}, optional={
    "channels": st.sampled_from(["[m]", "[x]"]), "audiences": st.just("[a, b]"), "goals": st.just("[{goal: h}]")})
_TACTIC = st.fixed_dictionaries({}, optional={
    "intent": st.just("respond"), "pillar": st.just("who"), "channels": st.just("[x]"), "goals": st.just("[g, h]")})


def flat(fields: dict[str, str]) -> str:
    """`{key: value, …}`."""
    return f"{{{', '.join(f'{key}: {value}' for key, value in fields.items())}}}"


def block(fields: dict[str, str]) -> str:
    """`key: value`, one a line."""
    return "".join(f"{key}: {value}\n" for key, value in fields.items())


@given(own=_FIELDS, defaults=_FIELDS, around=_AROUND, tactic=_TACTIC, m=_ON_CHANNEL, x=_ON_CHANNEL,
       home=st.sampled_from(["campaigns/c", "evergreen/s", "posts"]), draft=st.booleans(), language=st.booleans())
@QUIET
def test_the_order_of_inheritance_is_always_that_of_the_plan(
    prepared: Make, own: dict[str, str], defaults: dict[str, str], around: dict[str, str], tactic: dict[str, str],
    m: dict[str, str], x: dict[str, str], home: str, draft: bool, language: bool,
) -> None:
    """Wherever values stand, the traced one is the one that the plan uses."""
    of_series = {"slot": "tue 09:00", **{key: value for key, value in around.items() if key == "channels"}}
    strategy = (f"strategy: ours\nstart: 2026-09-01\ntimezone: Europe/Dublin\n{'language: en' if language else ''}\n"
                f"social_goals: [{{id: g, text: G}}, {{id: h, text: H}}]\n"
                f"tactics: [{flat({'id': 't', **tactic})}, {{id: u}}]\n")
    channels = (f"channels:\n  - {flat({'id': 'm', 'network': 'mastodon', 'slots': '[tue 08:45]', **m})}\n"
                f"  - {flat({'id': 'x', 'network': 'x', **x})}\n  - {{id: old, network: x, status: retired}}\n")
    head = f"{block(own)}{'draft: true' if draft else 'withdraw: false'}\n"
    name = {"campaigns/c": "campaigns/c/posts/p.md", "evergreen/s": "evergreen/s/p.md", "posts": "posts/p.md"}[home]
    made = prepared({
        "strategy.yaml": strategy, "networks/channels.yaml": channels, name: f"---\n{head}---\nHello.\n",
        "pillars.yaml": "pillars: [{id: how}, {id: who}]\n", "audiences/a.yaml": "audience: a\nname: A\n",
        "audiences/b.yaml": "audience: b\nname: B\n",
        "campaigns/c/campaign.yaml": f"{block(around)}defaults: {flat(defaults)}\n",
        "evergreen/s/series.yaml": f"{block(of_series)}defaults: {flat(defaults)}\n",
    })
    assert [p.message for p in made.problems if p.code.startswith("SYN")] == []

    if draft:
        (post,) = made.content.drafts
        assert {one.field for one in trace(made.content, post, None)} >= {"draft", "intent", "channels", *own}
    else:
        (resolved,) = made.content.posts
        agree(made, resolved)


# --- where it says it comes from --------------------------------------------------------------------------------------

CAMPAIGN = """\
campaign: spring
start: 2027-01-01
end: 2027-06-01
audiences: [renters]
channels: [mastodon]
goals: [{goal: members}]
defaults:
  pillar: how
  hashtags: [Spring]
"""
STRATEGY = """\
strategy: ours
start: 2026-09-01
timezone: Europe/Dublin
language: en
social_goals: [{id: members, text: M}, {id: tips, text: T}]
tactics:
  - id: tips
    goals: [tips]
    pillar: who
    intent: respond
    channels: [mastodon]
"""
AROUND = {"strategy.yaml": STRATEGY, "campaigns/spring/campaign.yaml": CAMPAIGN,
          "audiences/renters.yaml": "audience: renters\nname: R\n",
          "pillars.yaml": "pillars: [{id: how}, {id: who}]\n"}


def test_each_home_is_named_with_its_line(prepared: Make) -> None:
    """Own line, defaults, campaign, tactic, channel, strategy, built in: each by name, with file and line."""
    post = "---\nat: 2027-03-02 08:45\ntactic: tips\ngrace: 1h\n---\nHello.\n"
    made = prepared({**AROUND, "campaigns/spring/posts/p.md": post})

    assert told(made, "spring/p", "at", "intent", "channels", "goal", "funnel", "audience", "pillar", "origin", "grace",
                "hashtags", "timezone", "language", "max_per_day") == [
        "at = 2027-03-02 08:45 (own line, p.md:2)",
        "intent = respond (tactic tips, strategy.yaml:10)",
        "channels = ('mastodon',) (campaign spring, campaign.yaml:5)",
        "goal = tips (tactic tips, strategy.yaml:8)",
        "funnel = loyalty (built in: respond → loyalty)",
        "audience = renters (campaign spring, campaign.yaml:4)",
        "pillar = how (defaults of campaign spring, campaign.yaml:8)",
        "origin = created (built in)",
        "hashtags = ('Spring',) (defaults of campaign spring, campaign.yaml:9)",
        "grace = 1h (own line, p.md:4)",
        "timezone = Europe/Dublin (strategy, strategy.yaml:3)",
        "language = en (strategy, strategy.yaml:4)",
        "max_per_day = 3 (built in)",
    ]


def test_a_post_without_a_home_has_what_is_built_in(prepared: Make) -> None:
    """With nothing around it, a post goes to every active channel that takes text alone."""
    made = prepared({"posts/p.md": "---\nslot: next\n---\nHello.\n"})

    assert told(made, "posts/p", "channels", "intent", "goal", "slots", "grace") == [
        "intent = give (built in)",
        "channels = ('mastodon',) (built in: every active channel that takes text alone)",
        "grace = 2h (built in)",
        "slots = ('tue 08:45', 'thu 12:30') (channel mastodon, channels.yaml:5)",
    ]


def test_an_own_line_without_a_value_inherits(prepared: Make) -> None:
    """`hashtags: # Spring` is a comment: the value is that of `defaults`, and so is its place."""
    post = "---\nat: 2027-03-02 08:45\nhashtags: # Own\npillar:\n---\nHello.\n"
    made = prepared({**AROUND, "campaigns/spring/posts/p.md": post})

    assert told(made, "spring/p", "hashtags", "pillar") == [
        "pillar = how (defaults of campaign spring, campaign.yaml:8)",
        "hashtags = ('Spring',) (defaults of campaign spring, campaign.yaml:9)",
    ]


def test_an_own_line_that_says_the_same_is_its_own(prepared: Make) -> None:
    """An own value that equals the inherited one is still the post's own."""
    post = "---\nat: 2027-03-02 08:45\npillar: how\n---\nHello.\n"
    made = prepared({**AROUND, "campaigns/spring/posts/p.md": post})

    assert told(made, "spring/p", "pillar") == ["pillar = how (own line, p.md:3)"]


def test_channels_that_differ_are_named(prepared: Make) -> None:
    """What one channel says for itself is told for it, the rest for the others together."""
    channels = ("channels:\n  - id: a\n    network: mastodon\n    timezone: Asia/Tokyo\n  - {id: b, network: x}\n"
                "  - {id: c, network: x}\n")
    made = prepared({"networks/channels.yaml": channels, "posts/p.md": "---\nat: 2027-03-02 08:45\n---\nHello.\n"})

    assert told(made, "posts/p", "timezone") == [
        "timezone on a = Asia/Tokyo (channel a, channels.yaml:4)",
        "timezone on b, c = Europe/Dublin (strategy, strategy.yaml:3)",
    ]


def test_a_picture_has_the_description_of_the_library_unless_its_own(prepared: Make) -> None:
    """`alt` in the post wins over the library; a decorative picture has an empty one."""
    files = {"media/a.jpg": "JPEG" * 9, "media/b.jpg": "JPEG" * 9, "media/c.jpg": "JPEG" * 9,
             "media/library.yaml": "a.jpg: {alt: A wall.}\nb.jpg: {alt: A bench.}\nc.jpg: {decorative: true}\n"}
    post = "---\nat: 2027-03-02 08:45\nmedia:\n  - a.jpg\n  - {file: b.jpg, alt: Mine.}\n  - c.jpg\n---\nHello.\n"
    made = prepared({**files, "posts/p.md": post})

    assert told(made, "posts/p", "alt of a.jpg", "alt of b.jpg", "alt of c.jpg") == [
        "alt of a.jpg = A wall. (media library, library.yaml:1)",
        "alt of b.jpg = Mine. (own line, p.md:5)",
        "alt of c.jpg =  (media library, library.yaml:3)",
    ]


# --- how a time came about --------------------------------------------------------------------------------------------

TWO = """\
stagger: 20m
channels:
  - {id: m, network: mastodon, handle: us, slots: ["tue 08:45", "thu 12:30"]}
  - {id: x, network: x, handle: us, slots: ["tue 09:15"]}
"""


def hows(made: Prepared, id: str, kept: dict[Slot, datetime] | None = None) -> list[str]:
    """`channel 2027-03-02 08:45: how; why` of each slot."""
    post = next(one.post for one in made.content.posts if one.id == id)
    return [f"{one.slot.channel} {one.at:%Y-%m-%d %H:%M}Z: {one.how}{f'; {one.why}' if one.why else ''}" if one.at else
            f"{one.slot.channel}: {one.how}; {one.why}"
            for one in derive(made.content, made.plan, post, kept or {})]


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        ("at: 2027-03-02 08:45\n", ["m 2027-03-02 08:45Z: as written: 2027-03-02 08:45",
                                    "x 2027-03-02 09:05Z: 2027-03-02 08:45 + 1 × 20m, as channel 2 of 2"]),
        ("at: 2027-03-02 08:45+02:00\n",
         ["m 2027-03-02 06:45Z: as written: 2027-03-02 08:45+02:00; in the quiet hours (21:00-07:30)",
          "x 2027-03-02 07:05Z: 2027-03-02 08:45+02:00 + 1 × 20m, as channel 2 of 2; in the quiet hours "
          "(21:00-07:30)"]),
        ("at: {default: 2027-03-02 08:45, m: 2027-03-03 10:00}\n",
         ["m 2027-03-03 10:00Z: its own time, at.m: 2027-03-03 10:00",
          "x 2027-03-02 09:05Z: 2027-03-02 08:45 + 1 × 20m, as channel 2 of 2"]),
        ("at: 2027-03-02\n", ["m 2027-03-02 08:45Z: the first free slot of 2027-03-02 on m (tue 08:45, thu 12:30)",
                              "x 2027-03-02 09:15Z: the first free slot of 2027-03-02 on x (tue 09:15)"]),
        ("slot: next\n", ["m 2027-01-05 08:45Z: the next free slot of m (tue 08:45, thu 12:30)",
                          "x 2027-01-05 09:15Z: the next free slot of x (tue 09:15)"]),
        ("slot: next after 2027-02-01\n",
         ["m 2027-02-02 08:45Z: the next free slot after 2027-02-01 of m (tue 08:45, thu 12:30)",
          "x 2027-02-02 09:15Z: the next free slot after 2027-02-01 of x (tue 09:15)"]),
        ("slot: wed 11:00\n", ["m 2027-01-06 11:00Z: the next free wed 11:00",
                               "x 2027-01-06 11:20Z: the next free wed 11:00 + 1 × 20m, as channel 2 of 2"]),
        ("intent: give\n", ["m 2027-01-05 08:45Z: the next free slot of m (tue 08:45, thu 12:30), as nothing says when",
                            "x 2027-01-05 09:15Z: the next free slot of x (tue 09:15), as nothing says when"]),
        ("after: first + 2d\n",
         ["m 2027-02-03 10:00Z: after first + 2d, counted from posts/first@m#1 at 2027-02-01 10:00",
          "x 2027-02-03 10:20Z: after first + 2d, counted from posts/first@x#1 at 2027-02-01 10:20"]),
        ("after: nobody + 2d\n", ["m: after nobody + 2d; there is no post nobody",
                                  "x: after nobody + 2d; there is no post nobody"]),
        ("every: 5w on tuesday at 10:00\nfrom: 2027-03-01\nruns: 2\nchannels: [m]\n",
         ["m 2027-03-02 10:00Z: every 5w on tuesday at 10:00: run 1 of 2",
          "m 2027-04-06 09:00Z: every 5w on tuesday at 10:00: run 2 of 2, text 2"]),
    ],
    ids=lambda value: value.strip() if isinstance(value, str) else "",
)
def test_every_form_says_how_its_time_came_about(prepared: Make, front: str, expected: list[str]) -> None:
    """Each way to say when is told with what was written, the stagger, the slots, or the post that it counts from."""
    made = prepared({"networks/channels.yaml": TWO, "posts/p.md": f"---\n{front}---\nHello.\n## or\nHo.\n",
                     "posts/first.md": "---\nat: 2027-02-01 10:00\n---\nFirst of all.\n"})

    assert hows(made, "posts/p") == expected


def test_a_post_that_follows_another_elsewhere(prepared: Make) -> None:
    """On a channel that the other post does not go to, its first time anywhere counts."""
    made = prepared({"networks/channels.yaml": TWO + "  - {id: y, network: x, handle: us}\n",
                     "posts/first.md": "---\nat: 2027-02-01 10:00\nchannels: [m, x]\n---\nFirst of all.\n",
                     "posts/p.md": "---\nafter: posts/first + 2d\nchannels: [y]\n---\nHello.\n"})

    assert hows(made, "posts/p") == [
        "y 2027-02-03 10:00Z: after posts/first + 2d, counted from posts/first@m#1 at 2027-02-01 10:00"]


def test_a_turn_of_a_series(prepared: Make) -> None:
    """A member of a series goes out when it is its turn."""
    made = prepared({"networks/channels.yaml": TWO, "evergreen/tips/series.yaml": "slot: wed 10:00\nchannels: [m]\n",
                     "evergreen/tips/a.md": "---\nintent: give\n---\nHello.\n"})

    assert hows(made, "evergreen/a")[0] == (
        "m 2027-01-06 10:00Z: its turn in the series tips (slot: wed 10:00): run 1 of 5")


def test_a_time_that_was_given_before_says_so(prepared: Make) -> None:
    """A free slot that an accepted plan gave is kept, and explained as such."""
    kept = {Slot("posts/p", "m"): datetime(2027, 1, 7, 12, 30, tzinfo=UTC)}
    files = {"networks/channels.yaml": TWO, "posts/p.md": "---\nslot: next\nchannels: [m]\n---\nHello.\n"}

    assert hows(prepared(files, kept=kept), "posts/p", kept) == [
        "m 2027-01-07 12:30Z: the next free slot of m (tue 08:45, thu 12:30); it was given this time before, and "
        "keeps it"]


@given(day=st.dates(date(2027, 2, 1), date(2027, 11, 30)), clock=st.times(),
       stagger=st.integers(1, 90))
@QUIET
def test_a_stagger_is_always_told_as_it_is(prepared: Make, day: date, clock: time, stagger: int) -> None:
    """Whatever the day, through clock changes too, the words add up to the time."""
    written = f"{day} {clock:%H:%M}"
    made = prepared({"networks/channels.yaml": TWO.replace("20m", f"{stagger}m"),
                     "posts/p.md": f"---\nat: {written}\n---\nHello.\n"})
    first, second = derive(made.content, made.plan, made.content.posts[0].post, {})

    assert first.how == f"as written: {written}"
    assert second.how == f"{written} + 1 × {stagger}m, as channel 2 of 2"
    assert first.at is not None
    assert second.at is not None
    assert (second.at - first.at).total_seconds() == stagger * 60
    assert isinstance(made.plan.items[0], Item)
