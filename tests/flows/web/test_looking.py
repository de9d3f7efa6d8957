"""Pages on a machine of their own: the plan in force comes from the archive, its commit from the remote."""
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flows.edges.clock import elapsed_s
from flows.edges.plans import accept
from flows.edges.settings import Settings
from flows.edges.store import open_store
from flows.web.health import SLOW_S
from flows.web.looking import Looker

from ..conftest import ContentFolder
from ..test_pull import Silent


def test_pages_of_their_own_machine_fetch_what_the_archive_speaks_of(
        content_folder: Callable[..., ContentFolder], tmp_path: Path) -> None:
    """A push that no publisher accepted yet is not shown; what is in force is."""
    writer, origin, home = content_folder("writer"), tmp_path / "origin.git", tmp_path / "web"
    writer.git("init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    writer.post("a", "Text a", at=datetime(2030, 3, 1, 12, tzinfo=UTC))
    first = writer.commit()
    writer.post("b", "Text b", at=datetime(2030, 3, 2, 12, tzinfo=UTC))
    writer.commit()
    writer.git("push", "--quiet", str(origin), "main")
    archive = f"dir:{tmp_path / 'archive'}"
    accept(open_store(archive), first, {}, now=datetime(2030, 1, 1, tzinfo=UTC))

    settings = Settings(home / "content", home, remote=str(origin))
    seen = Looker(settings, archive, lambda: datetime(2030, 1, 1, tzinfo=UTC), rehearsal=False).look()

    assert seen.commit == first
    assert [str(line.slot) for line in seen.lines] == ["posts/a@mastodon#1"]

    silent = Silent()                                             # a remote that hangs: what is here is shown
    began = elapsed_s()
    again = Looker(settings._replace(remote=silent.url), archive, lambda: seen.now, rehearsal=False, fetch_s=0.2).look()
    silent.close()
    assert again.lines == seen.lines
    assert elapsed_s() - began < SLOW_S
