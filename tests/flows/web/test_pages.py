"""What operators see: pages over a real archive that real shifts wrote, and nobody else sees them."""
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from icalendar import Calendar
from prometheus_client.parser import text_string_to_metric_families

from flows.edges.holds import Holds
from flows.edges.outages import Clone, Sign, note
from flows.edges.plans import Rejection, good, reject
from flows.edges.settings import find
from flows.edges.store import open_store
from flows.observe import News
from flows.web.listening import Web
from flows.web.looking import Line, Looker, Snapshot
from flows.web.lookout import Seen
from flows.web.pages import calendar
from schemas.errors import SettingsError
from schemas.hold import Hold
from schemas.ledger import Slot, State
from schemas.report import Row

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=40)
TOKEN = "a-token-for-the-pages-0123456789"
PAGES = ("/", "/status.json", "/calendar.ics", "/metrics")


def ask(app, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    with httpx.Client(verify=False, trust_env=False, timeout=20) as client:
        return client.request(method, f"{app.url}{path}", headers=headers)


def words(page: str) -> str:
    """A page as its words, without marks and with single spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.partition("<body>")[2]).split())


@pytest.fixture
def week(stage):
    """A morning on which one post went out, one was refused, and a list is to come on two channels."""
    stage.folder.post("chisel", "Sharpen a chisel.", at=NOON - timedelta(minutes=30))
    stage.folder.post("kettle", "What was wrong with the kettle.", channels="x")
    stage.folder.post("list", "A list of spring.", at=NOON + timedelta(days=2), channels="mastodon, x")
    stage.script({"fault": "401", "network": "x", "times": 50})
    stage.folder.commit()
    stage.run(until=NOON + timedelta(minutes=30))
    return stage


# --- what they tell ------------------------------------------------------------------------------------------------


def test_one_look_tells_what_went_out_what_did_not_why_and_what_to_do(week, hosted):
    """The calendar page has what went out, where it can be seen, what failed with its reason and remedy, what is next.
    """
    page = ask(hosted(week.home, week.archive, now=LATER), "/").text
    told = words(page)

    assert "1 post needs somebody. 1 went out today. Next: “A list of spring.” on mastodon, Wed 3 March 2027" in told
    (post,) = week.posts()
    assert re.search(rf'<a href="[^"]*{post["id"]}" rel="noopener noreferrer">Sharpen a chisel.</a>', page)
    assert "failed What was wrong with the kettle. x, due Mon 1 March 2027, 12:00" in told
    assert "Why: X does not accept the connection&#39;s credentials (401): Unauthorized" in told
    assert "What to do: Renew the credentials of x" in told
    assert "Today, Monday 1 March 2027 11:30 published Sharpen a chisel. mastodon" in told
    assert "Wednesday 3 March 2027 12:00 planned A list of spring. mastodon 12:01 planned A list of spring. x" in told
    assert "rehearsal" not in told


def test_a_rehearsal_says_that_it_is_one(stage, hosted):
    """Nobody takes a rehearsal for the real thing: by its archive, or as it is told."""
    stage.folder.post("hello", "Hello.")
    stage.folder.commit()
    assert "a rehearsal: nothing here is real" in words(ask(hosted(stage.home, now=NOON, rehearsal=True), "/").text)
    open_store(stage.archive).create("v1/kind", b"rehearsal\n")

    assert "a rehearsal: nothing here is real" in words(ask(hosted(stage.home, stage.archive, now=NOON), "/").text)


def test_a_hold_is_told_with_who_why_and_how_to_end_it(week, hosted):
    """What people stopped stands on top, and beside each post that it stops."""
    Holds(open_store(week.archive)).add(Hold(number=0, kind="hold", scope="channel", name="mastodon", by="Wren",
                                             reason="the shop burns", at=NOON))
    told = words(ask(hosted(week.home, week.archive, now=LATER), "/").text)

    said = ("Wren holds the channel mastodon since Mon 2027-03-01 12:00 (UTC): the shop burns. "
            "&#39;drumbeat resume --channel mastodon --by NAME&#39; lets it go on")
    assert f"A hold is in force {said}" in told
    assert f"12:00 waiting A list of spring. mastodon {said} 12:01 planned A list of spring. x" in told


def test_while_everything_is_held_the_page_promises_nothing(stage, hosted):
    """What is to come waits, and the first sentence says so: not that nothing was planned."""
    stage.folder.post("list", "A list of spring.", at=NOON + timedelta(days=2))
    stage.folder.commit()
    Holds(open_store(stage.archive)).add(Hold(number=0, kind="hold", scope="all", by="Wren", reason="the shop burns",
                                              at=NOON))

    told = words(ask(hosted(stage.home, stage.archive, now=NOON), "/").text)

    assert "Held: nothing goes out. Nothing went out today. What is left waits." in told


def test_a_rehearsal_is_looked_at_more_often(stage, hosted):
    """On a fast clock a minute is two months: its page comes anew every five seconds, that of real things each minute.
    """
    stage.folder.post("hello", "Hello.")
    stage.folder.commit()

    pages = [ask(hosted(stage.home, now=NOON, rehearsal=rehearsal), "/").text for rehearsal in (True, False)]

    assert [re.search(r'"refresh" content="(\d+)"', page)[1] for page in pages] == ["5", "60"]


def test_a_rejected_commit_is_told_with_its_problems_and_the_plan_that_stays(week, hosted):
    """A commit that was not taken is told with file, line and remedy, and so is which plan stays in force."""
    force = week.folder.git("rev-parse", "HEAD").strip()
    week.folder.write("networks/channels.yaml", "channels: 7\n")
    commit = week.folder.commit()
    problem = {"code": "SYN002", "severity": "error", "file": "content/networks/channels.yaml", "line": 1, "column": 11,
               "message": "channels is 7, which is no list.", "remedy": "Write a list."}
    reject(open_store(week.archive), Rejection(commit, NOON, "Nothing of it can be published.", "Mend it and commit.",
                                               (problem,)))
    app = hosted(week.home, week.archive, now=LATER)
    told = words(ask(app, "/").text)

    assert "The newest commit was not taken." in told
    assert f"Commit {commit[:10]} was not taken Nothing of it can be published. (Mon 1 March 2027, 12:00)" in told
    assert ("content/networks/channels.yaml:1 channels is 7, which is no list. Write a list. [SYN002] "
            f"The plan of commit {force[:10]} stays in force.") in told
    assert "A list of spring." in told
    assert ask(app, "/status.json").json()["rejected"]["commit"] == commit


def test_pushes_that_do_not_arrive_are_told_and_are_no_ill_health(week, hosted):
    """What the publisher of another machine noted stands on the page, in the status and in the metrics.

    /health stays well: what is planned goes out, and no monitor can bring the remote back.
    """
    store = open_store(week.archive)
    force = good(store)
    why = "https://git.example/content.git cannot be fetched: <b>no</b> route."
    note(store, Sign(Clone("pub-1", "pub-1", "main"), NOON, NOON + timedelta(minutes=15), why, "Look at the address.",
                     force.commit))
    app = hosted(week.home, week.archive, now=LATER)
    told = words(ask(app, "/").text)

    assert ("What is pushed does not arrive pub-1 gets nothing of what is pushed to main since Mon 2027-03-01 12:00 "
            "(UTC): https://git.example/content.git cannot be fetched: &lt;b&gt;no&lt;/b&gt; route. What to do: "
            f"Look at the address. The plan of commit {force.commit[:10]} stays in force.") in told
    assert ask(app, "/status.json").json()["unreachable"] == {
        "branch": "main", "since": "2027-03-01T12:00:00Z", "at": "2027-03-01T12:15:00Z", "why": why,
        "remedy": "Look at the address.", "machines": ["pub-1"], "behind": []}
    assert "drumbeat_remote_unreachable 1\n" in ask(app, "/metrics").text
    assert ask(app, "/health").status_code == 200


def test_what_does_not_arrive_is_said_first_where_nothing_else_is_amiss(stage, hosted):
    """The page does not say that all is well while a change that somebody pushed cannot be taken."""
    stage.folder.post("list", "A list of spring.", at=NOON + timedelta(days=2))
    stage.folder.commit()
    note(open_store(stage.archive), Sign(Clone("pub-1", "pub-1", "main"), NOON, NOON, "No route.", "Look.", ""))

    told = words(ask(hosted(stage.home, stage.archive, now=NOON), "/").text)

    assert "What is pushed does not arrive. Nothing went out today. Next: “A list of spring.”" in told
    assert "All is well" not in told


def test_the_same_trouble_on_many_channels_is_said_once(stage, hosted):
    """What is due everywhere and went out nowhere is one thing to do, with the channels beside it."""
    stage.folder.post("hello", "Hello.", channels="mastodon, x, facebook")
    stage.folder.commit()

    told = words(ask(hosted(stage.home, stage.archive, now=NOON + timedelta(hours=1)), "/").text)

    assert "1 post needs somebody." in told
    assert "not sent Hello. mastodon, x, facebook, due from Mon 1 March 2027, 12:00" in told
    assert told.count("What to do:") == 1 + told.partition("Gates that are not green")[2].count("What to do:")


def test_what_waits_without_a_time_is_told_with_its_reason(stage, hosted):
    """A post that no time can be found for is on the page, and so is why."""
    stage.folder.post("hello", "Hello @everyone.")
    stage.folder.write("posts/someday.md", "---\nafter: posts/nobody\nchannels: [mastodon]\n---\nSome day.\n")
    stage.folder.commit()

    told = words(ask(hosted(stage.home, stage.archive, now=NOON - timedelta(hours=1)), "/").text)

    assert "Waiting without a time Some day. mastodon" in told
    assert "12:00 waiting Hello @everyone. mastodon content/posts/hello.md" in told


def test_days_are_those_of_the_strategys_zone(stage, hosted):
    """What is due at half past twelve at night in Auckland stands under Auckland's day."""
    stage.folder.write("strategy.yaml", "strategy: ours\nstart: 2026-01-01\ntimezone: Pacific/Auckland\n")
    stage.folder.write("posts/night.md", "---\nat: 2027-03-02 00:30\nchannels: [mastodon]\n---\nGood night.\n")
    stage.folder.commit()

    told = words(ask(hosted(stage.home, stage.archive, now=datetime(2027, 3, 1, 9, 0, tzinfo=UTC)), "/").text)

    assert "Today, Monday 1 March 2027 Nothing is due. Tomorrow, Tuesday 2 March 2027 00:30 planned Good night." in told


def test_other_days_can_be_turned_to(week, hosted):
    """The page goes to any day; what is no day is refused."""
    app = hosted(week.home, week.archive, now=LATER)

    told = words(ask(app, "/?from=2027-03-03").text)
    assert "3 March to 16 March 2027" in told
    assert "Today, Monday" not in told
    for wrong in ("soon", "2027-13-01", "0001-01-01", "9999-12-31"):
        assert ask(app, f"/?from={wrong}").status_code == 400


def test_without_an_archive_the_plan_is_shown(hosted):
    """Before anything was published there is a page too."""
    told = words(ask(hosted(now=NOON - timedelta(hours=1)), "/").text)

    assert "12:00 planned Hello. mastodon" in told
    assert "no publisher has taken a plan yet" in told


def test_when_nothing_can_be_read_the_page_says_so(stage, hosted):
    """Without content to read there is no page but words on what to do, and the status is 503."""
    stage.folder.commit()
    app = hosted(stage.home, "s3://b")

    answer = ask(app, "/")

    assert answer.status_code == 503
    assert "Nothing can be shown: the archive&#39;s address names no S3 bucket write s3://bucket/prefix" in (
        words(answer.text))


def test_the_status_is_that_of_the_command(week, hosted):
    """/status.json has the slots and counts of `drumbeat status --json`, and what else an operator asks."""
    said = ask(hosted(week.home, week.archive, now=LATER), "/status.json").json()

    assert [(slot["slot"], slot["state"]) for slot in said["slots"]] == [
        ("posts/chisel@mastodon#1", "published"), ("posts/kettle@x#1", "failed"), ("posts/list@mastodon#1", "planned"),
        ("posts/list@x#1", "planned")]
    assert set(said["slots"][0]) == {"slot", "state", "at", "sent_at", "url", "reason", "file", "next"}
    assert said["counts"] == {"planned": 2, "published": 1, "failed": 1}
    assert (said["holds"], said["rejected"], said["now"]) == ([], None, "2027-03-01T12:40:00Z")
    assert said["in_force"] == said["commit"] == week.folder.git("rev-parse", "HEAD").strip()


def test_the_feed_is_a_calendar_that_others_can_read(week, hosted):
    """/calendar.ics is iCalendar with an event for everything that has a time."""
    answer = ask(hosted(week.home, week.archive, now=LATER), "/calendar.ics")

    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    feed = Calendar.from_ical(answer.text)
    assert sorted(str(event["summary"]) for event in feed.walk("VEVENT")) == [
        "mastodon: A list of spring.", "mastodon: Sharpen a chisel.", "x: A list of spring.",
        "x: What was wrong with the kettle."]


def test_the_metrics_are_what_prometheus_reads(week, hosted):
    """/metrics is understood by Prometheus' own parser, and counts slots, holds, deliveries and the plan's age."""
    app = hosted(week.home, week.archive, now=LATER)
    ask(app, "/hook", "POST")
    answer = ask(app, "/metrics")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = {(sample.name, *sample.labels.values()): sample.value
             for family in text_string_to_metric_families(answer.text) for sample in family.samples}
    age = found.pop(("drumbeat_look_age_seconds",))
    assert 0 <= age < 60
    assert found == {
        ("drumbeat_archive_up",): 1, ("drumbeat_hook_deliveries_total", "no secret"): 1,
        ("drumbeat_slots", "published", "mastodon"): 1, ("drumbeat_slots", "failed", "x"): 1,
        ("drumbeat_slots", "planned", "mastodon"): 1, ("drumbeat_slots", "planned", "x"): 1,
        ("drumbeat_slots_due_not_sent", "mastodon"): 0, ("drumbeat_slots_due_not_sent", "x"): 0,
        ("drumbeat_plan_age_seconds",): 6000, ("drumbeat_plan_rejected",): 0, ("drumbeat_holds_active",): 0,
        ("drumbeat_remote_unreachable",): 0}


# --- health --------------------------------------------------------------------------------------------------------


def test_all_is_well_while_nothing_is_late(week, hosted):
    """A failed post is no ill health of the service: it is told on the page."""
    answer = ask(hosted(week.home, week.archive, now=LATER), "/health")

    assert (answer.status_code, answer.json()) == (200, {"ok": True, "why": []})


@pytest.mark.parametrize(("minutes", "status"), [(14, 200), (15, 503)])
def test_what_is_due_for_a_quarter_of_an_hour_and_not_sent_is_told_to_monitors(stage, hosted, minutes, status):
    """503, in words that name no post, once something is due for 15 minutes and nothing holds it."""
    stage.folder.post("secret-launch", "Secret.")
    stage.folder.commit()

    answer = ask(hosted(stage.home, stage.archive, now=NOON + timedelta(minutes=minutes)), "/health")

    assert answer.status_code == status
    assert "secret" not in answer.text.lower()
    assert answer.json()["ok"] is (status == 200)


def test_what_a_person_holds_is_not_late(stage, hosted):
    """While a hold is in force what it stops is no ill health."""
    stage.folder.post("hello", "Hello.")
    stage.folder.commit()
    Holds(open_store(stage.archive)).add(Hold(number=0, kind="hold", scope="all", by="Wren", reason="fire", at=NOON))

    answer = ask(hosted(stage.home, stage.archive, now=NOON + timedelta(hours=1)), "/health")

    assert answer.status_code == 200


def test_an_archive_that_does_not_answer_is_told_to_monitors(hosted, s3, monkeypatch):
    """503 while the archive does not answer; its address stays unsaid there, and metrics have it too."""
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    app = hosted(archive="s3://nobody-made-this-bucket/club", now=NOON - timedelta(hours=1))

    answer = ask(app, "/health")

    why = ["The archive does not answer, or not as it should."]
    assert (answer.status_code, answer.json()) == (503, {"ok": False, "why": why})
    assert "drumbeat_archive_up 0\n" in ask(app, "/metrics").text
    assert ask(app, "/status.json").status_code == 503


# --- who may look --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_with_a_token_set_nobody_looks_without_it(hosted, path):
    """Each page answers 401 without the token and with a wrong one, and is shown with the right one."""
    app = hosted(now=NOON, DRUMBEAT_WEB_TOKEN=TOKEN)

    for headers in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": "Bearer"}, {"Authorization": ""},
                    {"Cookie": "drumbeat=x"}, {"Cookie": f"drumbeat={TOKEN}"}, {"Authorization": "Basic Og=="}):
        answer = ask(app, path, **headers)
        assert (answer.status_code, "Hello" in answer.text) == (401, False)
    assert ask(app, f"{path}?token={TOKEN[:-1]}").status_code == 401
    assert ask(app, path, Authorization=f"Bearer {TOKEN}").status_code == 200


def test_the_token_in_an_address_becomes_a_cookie_and_is_gone(hosted):
    """?token= leads to the same page without it; the cookie is for this site only, for no script, and not the token."""
    app = hosted(now=NOON, DRUMBEAT_WEB_TOKEN=TOKEN)

    answer = ask(app, f"/?from=2027-03-01&token={TOKEN}")

    assert (answer.status_code, answer.headers["location"]) == (303, "/?from=2027-03-01")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    assert ask(app, "/", Cookie=cookie.split(";")[0]).status_code == 200


def test_the_cookie_is_for_https_where_the_page_is(hosted):
    """Behind a proxy that speaks https the cookie never travels without it."""
    app = hosted(now=NOON, DRUMBEAT_WEB_TOKEN=TOKEN)

    assert "Secure" in ask(app, f"/?token={TOKEN}", **{"X-Forwarded-Proto": "https"}).headers["set-cookie"]
    assert "Secure" not in ask(app, f"/?token={TOKEN}").headers["set-cookie"]


@pytest.mark.parametrize("headers", [
    {"Host": "evil.example"}, {"Host": "evil.example:4281"}, {"Host": "["}, {"Host": ""},
    {"X-Forwarded-For": "203.0.113.7"}, {"Forwarded": "for=203.0.113.7"}, {"Via": "1.1 tunnel"}])
def test_without_a_token_only_this_computer_looks(hosted, headers):
    """Neither a name that was turned to this computer nor a proxy that passes strangers on opens a page."""
    app = hosted(now=NOON)

    assert ask(app, "/", **headers).status_code in (400, 403)
    assert ask(app, "/").status_code == 200


def test_health_and_hook_need_no_token(hosted):
    """Monitors and forges know no token."""
    app = hosted(now=NOON - timedelta(hours=1), DRUMBEAT_WEB_TOKEN=TOKEN, DRUMBEAT_HOOK_SECRET="s" * 32)

    assert ask(app, "/health", Host="status.example").status_code == 200
    assert ask(app, "/hook", "POST").json() == {"state": "unsigned", "why": "The signature is missing or wrong."}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_pages_only_show(hosted, method):
    """No page takes anything but GET and HEAD, with the token too."""
    app = hosted(now=NOON, DRUMBEAT_WEB_TOKEN=TOKEN)

    for path in (*PAGES, "/health"):
        assert ask(app, path, method, Authorization=f"Bearer {TOKEN}").status_code == 405


def test_the_hook_alone_has_no_pages(hosted):
    """With --hook-only there is the hook and the health, and nothing else."""
    app = hosted(now=NOON, hook_only=True)

    assert [ask(app, path).status_code for path in PAGES] == [404] * 4
    assert ask(app, "/hook", "POST").status_code == 503


@pytest.mark.parametrize(("variables", "words"), [
    ({}, "Everybody who reaches 0.0.0.0 could read posts that are not out yet."),
    ({"DRUMBEAT_WEB_TOKEN": "short"}, "DRUMBEAT_WEB_TOKEN is shorter than 16 characters"),
    ({"DRUMBEAT_WEB_TOKEN": TOKEN, "DRUMBEAT_HOOK_SECRET": f"{TOKEN} short"}, "DRUMBEAT_HOOK_SECRET is shorter"),
    ({"DRUMBEAT_WEB_TOKEN": TOKEN, "DRUMBEAT_HOOK_SECRET": "whsec_not-in-base64!!"}, "is none")])
def test_an_open_door_is_refused(content_folder, monkeypatch, variables, words):
    """Pages for every computer need a token, and no secret may be one that can be guessed."""
    for name in ("DRUMBEAT_WEB_TOKEN", "DRUMBEAT_HOOK_SECRET"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = find(str(content_folder().path))
    looker = Looker(settings, "dir:nowhere", lambda: NOON, rehearsal=False)

    with pytest.raises(SettingsError) as refused:
        Web(settings, looker, host="0.0.0.0", port=0)

    assert words in refused.value.what
    assert TOKEN not in f"{refused.value.what} {refused.value.remedy}"


def test_a_credentials_file_that_others_can_read_is_refused(content_folder):
    """A token that others can read is none: the app does not start."""
    folder = content_folder()
    file = folder.home / ".drumbeat/credentials.toml"
    file.parent.mkdir()
    file.touch(0o644)
    settings = find(str(folder.path))

    with pytest.raises(SettingsError, match="can be read by others"):
        Web(settings, Looker(settings, "dir:nowhere", lambda: NOON, rehearsal=False), port=0)


# --- what they cannot do (threats, F1) -----------------------------------------------------------------------------

EVIL = '<img src=x onerror="alert(1)">'


def an_evil_snapshot() -> Snapshot:
    """Marks wherever somebody's words stand, and a link that would run."""
    def line(name: str, state: State, url: str | None) -> Line:
        return Line(Row(f"posts/{name}@x#1", state, NOON, NOON, url, f"why {EVIL}", f"content/{EVIL}.md:1:1",
                        f"do {EVIL}"), Slot(f"posts/{name}", "x"), "x", f"words {EVIL}")

    problem = {"code": EVIL, "severity": "error", "file": EVIL, "line": 1, "column": 1, "message": EVIL, "remedy": EVIL}
    hold = Hold(number=1, kind="hold", scope="all", by=EVIL, reason=EVIL, at=NOON)
    news = News(rejected=Rejection("f" * 40, NOON, EVIL, EVIL, (problem,)))
    return Snapshot(NOON, NOON, "UTC", EVIL, "c" * 40,
                    (line("a", State.published, "javascript:alert(1)"), line("b", State.failed, "data:text/html,x"),
                     line("c", State.published, 'https://x.example/" onclick="alert(1)'),
                     line("d", State.published, "https://x.example/1")),
                    news._replace(said=news.said._replace(holds=(hold,))), None, (), 0, b"", False)


def test_words_of_others_come_out_as_words():
    """Marks in a title, a reason, a remedy, a hold or a problem are shown, never read; only web addresses are links."""
    page = calendar(Seen(an_evil_snapshot(), 0.0, None), None)

    assert "<img" not in page
    assert page.count("&lt;img src=x onerror=&#34;alert(1)&#34;&gt;") >= 16
    assert re.findall(r'<a href="(http[^"]*|[a-z]+:[^"]*)"', page) == ["https://x.example/1"]
    assert "(javascript:alert(1))" in page
    assert "<script" not in page
    assert " style=" not in page
    assert not re.search(r"\son[a-z]+=\"", page)


def test_marks_in_a_real_post_come_out_as_words(stage, hosted):
    """The title of a post goes through reading, rules and page, and is still text."""
    stage.folder.post("hello", "Hello.", more=f"title: '{EVIL}'\n")
    stage.folder.commit()

    page = ask(hosted(stage.home, stage.archive, now=NOON), "/").text

    assert "<img" not in page
    assert "&lt;img src=x onerror=&#34;alert(1)&#34;&gt;" in page


def test_no_page_can_run_load_or_leak_anything(hosted):
    """Every answer forbids guessing, keeping, framing and passing on; the page may use its own style alone."""
    app = hosted(now=NOON)

    for path in (*PAGES, "/health", "/nothing"):
        headers = ask(app, path).headers
        assert headers["content-security-policy"].startswith("default-src 'none';")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
    said: dict[str, Any] = dict(part.strip().split(" ", 1) for part in
                                ask(app, "/").headers["content-security-policy"].split(";"))
    assert set(said) == {"default-src", "style-src", "base-uri", "form-action", "frame-ancestors"}
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", said["style-src"])
