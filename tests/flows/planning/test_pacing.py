"""How many posts an account makes, and how close together."""
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis.strategies import integers, lists

from flows.planning.pacing import HOUR, LATE, blown, too_close

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
GAP = timedelta(minutes=60)
SECONDS = integers(min_value=0, max_value=4 * 3600)


def minutes(*back: float) -> list[datetime]:
    return [NOON - timedelta(minutes=each) for each in back]


def test_fuse_holds_below_its_limit():
    """With fewer posts in the last hour than the limit, one more is fine; what is an hour old does not count."""
    assert blown("x", minutes(60, 61, 10), 2, now=NOON, setting="it") is None


def test_fuse_says_what_lifts_it():
    """A blown fuse tells how many went out, how many it allows and what to raise, and when to look again."""
    brake = blown("x", minutes(50, 20, 10), 3, now=NOON, setting="'limits' of x")

    assert brake.until == NOON + timedelta(minutes=10)
    assert brake.why == (
        "the flood fuse of x has blown: 3 posts went out in the last hour, and it allows 3. See why so many are due at "
        "once. If they are meant, raise 'limits' of x; else they go on one by one, and what is too late by then is "
        "missed")


def test_fuse_over_its_limit_waits_for_more_to_grow_old():
    """After the limit was lowered, so many must be an hour old that one more is within it."""
    assert blown("x", minutes(50, 40, 30, 10), 2, now=NOON, setting="it").until == NOON + timedelta(minutes=30)


def test_fuse_of_zero_lets_nothing_through():
    """A limit of zero asks again in an hour, each time."""
    assert blown("x", [], 0, now=NOON, setting="it").until == NOON + HOUR
    assert "1 post went out" in blown("x", minutes(5), 0, now=NOON, setting="it").why


def test_punctual_posts_need_no_distance():
    """What is on time goes out however close it is, where the network asks for no pace."""
    assert too_close("x", minutes(1), now=NOON, due=NOON - LATE, pace_s=0, min_gap=GAP) is None


def test_late_posts_keep_their_distance():
    """What an outage made late waits until the channel's gap after its last post has passed."""
    brake = too_close("x", minutes(90, 20), now=NOON, due=NOON - LATE - timedelta(seconds=1), pace_s=0, min_gap=GAP)

    assert brake == (NOON + timedelta(minutes=40),
                     "it is late, and what is late on x keeps its distance from other posts (min_gap)")


def test_pace_of_a_network_holds_for_all():
    """A network that takes a post every so many seconds gets no more, punctual or not."""
    brake = too_close("x", minutes(1), now=NOON, due=NOON, pace_s=90, min_gap=GAP)

    assert brake == (NOON + timedelta(seconds=30), "x takes a post every 90 seconds")


def test_first_post_waits_for_nobody():
    """An account that posted nothing lately is free, also for what is late."""
    assert too_close("x", [], now=NOON, due=NOON - HOUR, pace_s=90, min_gap=GAP) is None


@given(due=lists(SECONDS, max_size=30), limit=integers(min_value=1, max_value=5))
def test_no_hour_ever_holds_more_than_the_limit(due, limit):
    """Whatever is due when: sent as the fuse allows, no hour has more posts than the limit, and all go out."""
    sent = list[datetime]()
    for each in sorted(due):
        now = max(NOON + timedelta(seconds=each), sent[-1] if sent else NOON)
        while (brake := blown("x", sent, limit, now=now, setting="it")) is not None:
            assert brake.until > now
            now = brake.until
        sent.append(now)

    assert len(sent) == len(due)
    assert all(sum(begins < one <= begins + HOUR for one in sent) <= limit
               for begins in (one - timedelta(microseconds=1) for one in sent))


@given(due=lists(SECONDS, max_size=30), gap_s=integers(min_value=1, max_value=7200))
def test_backlog_is_never_drained(due, gap_s):
    """Whatever an outage left behind, two late posts are never closer than the gap."""
    gap, now = timedelta(seconds=gap_s), NOON + timedelta(hours=5)
    sent = list[datetime]()
    for each in sorted(due):
        while (brake := too_close("x", sent, now=now, due=NOON + timedelta(seconds=each), pace_s=0,
                                  min_gap=gap)) is not None:
            assert brake.until > now
            now = brake.until
        sent.append(now)

    assert all(second - first >= gap for first, second in pairwise(sent))
