"""This machine, as far as posts depend on it: what is installed, disks, time zones, what Git would carry off."""
import os
import platform
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flows.edges import _git
from flows.edges.credentials import given
from schemas.channel import Channel
from schemas.errors import SettingsError
from schemas.finding import Finding

SYSTEM_ZONES = Path("/usr/share/zoneinfo")
LITTLE, HARDLY_ANY = 1_000_000_000, 100_000_000
"""Free bytes: under the first it is a warning, under the second an error."""
_FAR_DISKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "ocfs2",
                        "gfs2", "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.glusterfs", "fuse.ceph", "virtiofs"})
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*([^;]*)(;.*)?")
_SPECIFIER = re.compile(r"(>=|<=|==|<|>)\s*([0-9][0-9.]*)")
_WITHOUT_THESE_NO_PREFECT = ("prefect", "fastapi")


# --- what is installed ------------------------------------------------------------------------------------------------


def installed(name: str) -> str | None:
    """The version of a package; None: it is not there. Imports nothing."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def required() -> tuple[str, ...]:
    """What Drumbeat asks for, as its own package says it; nothing where it was not installed."""
    try:
        return tuple(metadata.requires("drumbeat") or ())
    except metadata.PackageNotFoundError:
        return ()


def python() -> str:
    """The version of Python that runs this."""
    return platform.python_version()


def packages(requirements: Iterable[str], version_of: Callable[[str], str | None]) -> Iterator[Finding]:
    """A finding for each package that is missing or of another version than is asked for; those of extras left out."""
    for requirement in requirements:
        match = _REQUIREMENT.fullmatch(requirement.strip())
        if match is None or "extra" in (match[3] or ""):
            continue
        name, wanted = match[1], match[2].strip(" ()")
        version = version_of(name)
        if version is None:
            yield Finding("error", f"{name} is not installed.", f"Run: pip install '{name}{wanted}'")
        elif not all(_fits(version, sign, bound) for sign, bound in _SPECIFIER.findall(wanted)):
            stops = "; Prefect's server does not start with it" if name == "fastapi" else ""
            yield Finding("error" if name in _WITHOUT_THESE_NO_PREFECT else "warning",
                          f"{name} {version} is installed, and {wanted} is asked for{stops}.",
                          f"Run: pip install '{name}{wanted}'")


def _fits(version: str, sign: str, bound: str) -> bool:
    have, want = _numbers(version), _numbers(bound)
    width = max(len(have), len(want))
    here, there = (numbers + (0,) * (width - len(numbers)) for numbers in (have, want))
    return {">=": here >= there, "<=": here <= there, "==": here == there, "<": here < there, ">": here > there}[sign]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.match(r"[0-9.]*", version)[0].split(".") if number)  # type: ignore[index]


# --- disks ------------------------------------------------------------------------------------------------------------


def room(folder: Path, free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
         ) -> Iterator[Finding]:
    """Whether something can be kept in `folder`, or where it will be made."""
    place = there(folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
        free = free_bytes(place)
    except OSError as error:
        yield Finding("error", f"Nothing can be written in {place}: {error.strerror}.",
                      "Let this user write there, or make room.")
        return
    said = f"{free / 1e9:.1f} GB free in {place}" if free >= LITTLE else f"{free / 1e6:.0f} MB free in {place}"
    if free < LITTLE:
        yield Finding("error" if free < HARDLY_ANY else "warning", f"Only {said}.",
                      "Make room: without it nothing can be recorded, and so nothing is sent.")
    else:
        yield Finding("ok", said)


def there(folder: Path) -> Path:
    """`folder`, or the nearest one above it that exists."""
    return next(one for one in (folder, *folder.absolute().parents) if one.is_dir())


def far_disk(folder: Path, mounts: str) -> str | None:
    """The kind of network file system that `folder` lies on; None: its disk is this machine's own.

    `mounts` is /proc/self/mounts.
    """
    place, best, kind = there(folder).resolve(), -1, ""
    for line in mounts.splitlines():
        words = line.split()
        if len(words) >= 3:
            top = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), words[1]))
            if place.is_relative_to(top) and len(top.parts) >= best:
                best, kind = len(top.parts), words[2]
    return kind if kind in _FAR_DISKS else None


def mounted() -> str:
    """What is mounted here, as Linux tells it; "" elsewhere."""
    try:
        return Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


# --- time -------------------------------------------------------------------------------------------------------------


def zones(names: Iterable[str], now: datetime, system: Path = SYSTEM_ZONES) -> Iterator[Finding]:
    """Whether every zone is known, and whether this system's own zones say the same of the next year."""
    wanted = sorted({*names})
    data, known = f"tzdata {installed('tzdata') or '(not installed)'}", list[str]()
    for name in wanted:
        try:
            ours = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield Finding("error", f"{data} knows no time zone {name}: nobody can tell when its posts are due.",
                          "Mend the name in the content, or run: pip install --upgrade tzdata")
            continue
        known.append(name)
        if (differs := _differs(ours, system / name, now)) is not None:
            yield Finding("warning", f"This system's zones disagree with {data} about {name} from {differs:%Y-%m-%d} "
                          "on; posts go by tzdata.", "Update the system's zones too, or people here read other times.")
    if known:
        yield Finding("ok", f"{', '.join(known)} by {data}")


def _differs(ours: ZoneInfo, file: Path, now: datetime) -> datetime | None:
    """The first hour of the next year in which the system's file says otherwise; None: none, or it has no such file."""
    try:
        with file.open("rb") as opened:
            theirs = ZoneInfo.from_file(opened)
    except (OSError, ValueError):
        return None
    hours = (now.astimezone(UTC) + timedelta(hours=number) for number in range(366 * 24))
    return next((hour for hour in hours
                 if hour.astimezone(ours).utcoffset() != hour.astimezone(theirs).utcoffset()), None)


def skew(store_now: Callable[[], datetime], now: Callable[[], datetime]) -> float:
    """How many seconds this machine's clock is ahead of the archive's. Raises StoreError.

    The archive may tell whole seconds only, and its answer takes a while: what that explains is no difference.
    """
    before = now()
    theirs = store_now()
    after = now()
    if theirs.microsecond == 0:
        before -= timedelta(seconds=1)
    if before <= theirs <= after:
        return 0.0
    return (before - theirs if theirs < before else after - theirs).total_seconds()


# --- files ------------------------------------------------------------------------------------------------------------


def where_we_stand(content: Path) -> Iterator[Finding]:
    """A program that is started inside of content might take what lies there for its own (threats, F9)."""
    if Path.cwd().resolve().is_relative_to(content.resolve()):
        yield Finding("warning", "This runs inside of the content folder, where anybody's files lie.",
                      f"Start publishers elsewhere: cd {content.resolve().parent}")


def credential_files(file: Path | None, home: Path) -> Iterator[Finding]:
    """Whether only their owner can read the files that hold credentials, and whether they can be read at all."""
    wrong = False
    if file is not None:
        try:
            given(Channel(id="any", network="any"), (), file)
            if not file.exists():
                raise SettingsError(f"{file} is not there, and the settings name it.",
                                    "Put it back, or mend 'credentials' in drumbeat.toml.")
        except SettingsError as error:
            wrong = True
            yield Finding("error", error.what, error.remedy)
    for kept in sorted((home / ".drumbeat/tokens").glob("*.json")):
        if stat.S_IMODE(kept.stat().st_mode) & 0o077:
            wrong = True
            yield Finding("error", f"{kept} can be read by others.", f"Run 'chmod 600 {kept}'.")
    if not wrong:
        yield Finding("ok", f"{file}, which only its owner can read" if file is not None else
                      "no file is set; variables count")


def kept_out_of_git(home: Path, credentials: Path | None) -> Iterator[Finding]:
    """Whether Git would carry off what nobody else may have. Raises SettingsError when there is no git."""
    if _git.output(home, "rev-parse", "--show-toplevel") is None:
        return
    ours, kept = home / ".drumbeat", list[str]()
    secret = [credentials] if credentials is not None and not credentials.is_relative_to(ours) else []
    for path in [ours, *secret]:
        name = os.path.relpath(path, home)
        held = _git.output(home, "ls-files", "-z", "--", str(path))
        if held is None:                                          # it lies outside of the repository
            continue
        if held:
            yield Finding("error", f"{name} is in Git: whoever can read the repository has what is in it.",
                          f"Run 'git rm -r --cached {name}', put {name} into .gitignore, commit, and make new "
                          "credentials.")
        elif _git.output(home, "ls-files", "-z", "--others", "--exclude-standard", "--", str(path)):
            yield Finding("warning", f"Git does not ignore {name}: 'git add .' would publish it.",
                          f"Put {name} into .gitignore.")
        else:
            kept.append(name)
    if kept:
        yield Finding("ok", f"{', '.join(kept)} kept out of it")


def end_children(own: int) -> Sequence[int]:
    """Ends what process `own` started and nobody waits for any more; the ids of those processes."""
    ended = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == own:
                os.kill(int(entry.name), 9)
                ended.append(int(entry.name))
        except (OSError, ValueError, IndexError):
            continue                                              # it ended while we looked, or is not ours to end
    return ended
