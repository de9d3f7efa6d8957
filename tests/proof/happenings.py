"""What happens while a thousand posts go out: nothing, a death, a person's word, a restart."""
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from crowd import Crowd, Ledgers, Piece, closest, ledgers_of, now, said_sent, share_of, spread
from scene import Run, throughput

_LEASE_S = 300.0


def quiet(run: Run) -> None:
    """Nothing happens but posts; then the same ones through the bare adapters, on the same machine at the same load."""
    run.begin()
    run.until(run.spread_s)
    posts = run.finish()
    run.judge(posts)
    run.report["throughput"] = throughput(posts, run.crowd.due.values())
    run.report["prefect"] = run.settled()
    run.bare()


def kill(run: Run) -> None:
    """One worker dies by SIGKILL with everything below it, in the middle of the minute, while a call is out."""
    workers = run.begin()
    dead = workers[-1]
    senders = dead.senders()
    shares = [int(share.partition("/")[0]) for share in senders.values()]
    run.until(25.0)
    run.until_one_is_under_way(shares)
    began = now()
    dead.kill(senders)
    killed = now()
    posts = run.finish()
    found = run.judge(posts)
    theirs = {piece.channel for piece in run.crowd.pieces if share_of(piece.channel, run.number) in shares}
    late = {piece: found.lateness[piece] for piece in found.lateness if piece.channel in theirs}
    after = {piece: seconds for piece, seconds in late.items() if run.crowd.due[piece] >= killed}
    ledgers = ledgers_of(run.fleet.shelf)
    doubt = [piece for piece in late if _was_under_way(ledgers, piece, began)]
    run.report |= {
        "apart": run.apart, "killed_at_s": round((killed - run.crowd.minute).total_seconds(), 1), "shares": shares,
        "of_others": spread(seconds for piece, seconds in found.lateness.items() if piece.channel not in theirs),
        "of_the_dead_before": spread(late[piece] for piece in late if piece not in after and piece not in doubt),
        "of_the_dead_after": spread(seconds for piece, seconds in after.items()),
        "under_way_at_the_kill": {piece.slot: round(late[piece], 1) for piece in doubt}}
    run.report["prefect"] = run.settled()


def server(run: Run) -> None:
    """Prefect's server dies by SIGKILL when the first is due, and is started again after the minute.

    Then the shifts go on: longer than Prefect gives a run whose lease it has forgotten (300 s).
    """
    workers = run.begin()
    senders = {pid for worker in workers for pid in worker.senders()}
    run.fleet.kill_server()
    run.until(65.0)
    before = run.fleet.posts()
    run.report["out_without_server"] = len(before)
    run.fleet.start_server()
    run.fleet.wait_for_server()
    run.judge(run.finish())
    run.report["prefect"] = run.settled()
    run.until(_LEASE_S + 90.0)
    run.report["workers_alive"] = sum(worker.process.poll() is None for worker in workers)
    run.report["shifts_ended"] = len(senders - {pid for worker in workers for pid in worker.senders()})


def hold(run: Run, *, whole: bool = False) -> None:
    """A person holds everything in the middle of the minute, and resumes with new times after it."""
    shelf = run.fleet.shelf
    archive = ("--archive", shelf.address)
    run.begin()
    run.until(40.0)
    asked = now()
    run.fleet.drumbeat("hold", "--all", "--by", "Ilse", "--reason", "an injury at the bench", *archive)
    held = now()
    run.until(80.0)
    posts = run.fleet.posts()
    arrived = sorted(datetime.fromisoformat(post["created_at"]) for post in posts)
    status = json.loads(run.fleet.drumbeat("status", "--json", *archive).stdout)
    shown = [one["slot"] for one in status["slots"] if one["state"] == "published"]
    ledgers = ledgers_of(shelf)
    out = {piece for piece in run.crowd.pieces if piece.folder in ledgers and piece.slot in set(shown)}
    run.report |= {
        "hold_took_s": round((held - asked).total_seconds(), 2), "sent_before": len(posts),
        "last_call_after_return_s": round((arrived[-1] - held).total_seconds(), 2),
        "calls_after_return": sum(one > held for one in arrived),
        "false_sent": said_sent(ledgers, posts, run.crowd) + sorted(
            set(shown) - {piece.slot for piece in _live(posts, run.crowd)}),
        "shown_published": len(shown)}
    run.fleet.drumbeat("resume", "--all", "--by", "Ilse", "--late", "reschedule", *archive)
    resumed = now()
    newest = shelf.keys("v1/hold/")[-1]
    said = json.loads(shelf.read([newest])[newest])
    moved = {piece: datetime.fromisoformat(said["slots"][piece.slot]["at"]) for piece in run.crowd.pieces
             if piece.slot in said["slots"] and said["slots"][piece.slot]["at"]}
    left = [piece for piece in run.crowd.pieces if piece not in out]
    times = sorted(set(moved.values()))
    run.report |= {
        "left": len(left), "moved": len(moved), "not_moved": sorted(piece.slot for piece in left if piece not in moved),
        "closest_s": closest(moved), "first_after_resume_s": round((times[0] - resumed).total_seconds(), 1),
        "spread_over_minutes": len(times)}
    last = times[-1] if whole else times[min(2, len(times) - 1)]
    due = {**{piece: run.crowd.due[piece] for piece in out}, **{p: at for p, at in moved.items() if at <= last}}
    run.until((last - run.crowd.minute).total_seconds() + 15.0)
    posts = run.finish(len(due))
    found = run.judge(posts, pieces=due, due=due)
    arrivals = {piece: due[piece] + timedelta(seconds=seconds) for piece, seconds in found.lateness.items()}
    run.report |= {"judged": len(due), "lateness_before": spread(found.lateness[piece] for piece in out),
                   "lateness_after": spread(found.lateness[piece] for piece in due if piece in moved),
                   "closest_arrivals_after_s": closest({piece: at for piece, at in arrivals.items() if piece in moved})}


def roll(run: Run) -> None:
    """Every worker is told to end, one after the other, and another starts in its place."""
    workers = run.begin()
    run.until(10.0)
    took = []
    for number, worker in enumerate(workers, 1):
        began = now()
        run.fleet.start_worker(f"next{number}", limit=2)
        worker.terminate()
        worker.process.wait(120)
        took.append(round((now() - began).total_seconds(), 1))
        run.fleet.wait(lambda name=f"next{number}": run.fleet.workers[name].said("started!") > 0,  # type: ignore[misc]
                       f"next{number} does not start")
        run.say(f"{worker.name} ended after {took[-1]} s; next{number} polls")
    run.report |= {"ended_after_s": took, "all_ended_at_s": round((now() - run.crowd.minute).total_seconds(), 1),
                   "exit_codes": [worker.process.returncode for worker in workers]}
    run.judge(run.finish())
    run.report["new_shifts"] = sum(run.fleet.workers[f"next{number}"].shifts for number in range(1, len(workers) + 1))
    run.report["prefect"] = run.settled()


SCENARIOS = {"quiet": quiet, "burst": quiet, "kill": kill, "server": server, "hold": hold, "roll": roll}


def _live(posts: Sequence[dict[str, Any]], crowd: Crowd) -> set[Piece]:
    texts = {post["text"].split("q0:")[0].rpartition(" ")[2] for post in posts}
    return {piece for piece in crowd.pieces if piece.token in texts}


def _was_under_way(ledgers: Ledgers, piece: Piece, moment: datetime) -> bool:
    """Whether some record of the slot was written before `moment`, and its end was not."""
    at = [datetime.fromisoformat(json.loads(raw)["at"]) for raw in ledgers[piece.folder]]
    return bool(at) and at[0] < moment < at[-1]
