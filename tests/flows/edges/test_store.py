"""One promise, kept by a directory and by S3: what was created once stays as it is."""
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from flows.edges._directory import DirectoryStore, sync_folder
from flows.edges.store import Store, Unanswered, open_store
from schemas.errors import SettingsError, StoreError

KEY = "v1/ledger/posts.hello/mastodon/1/000001.json"
PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def moto_address():
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {"url": f"http://{host}:{port}", "access_key": "test", "secret_key": "test"}
    server.stop()


@pytest.fixture(scope="session")
def ministack_address(tmp_path_factory, free_port):
    scripts = os.environ.get("DRUMBEAT_REALSERVERS")
    if not scripts:
        pytest.skip("DRUMBEAT_REALSERVERS names no folder of start scripts")
    env = {**os.environ, "PORT": str(free_port()), "INSTANCE": f"store-{uuid.uuid4().hex[:8]}"}
    script = f"{scripts}/s3.sh"
    info = json.loads(subprocess.run([script], check=True, stdout=subprocess.PIPE, env=env).stdout)
    yield info
    subprocess.run([script, "stop", info["pidfile"]], check=True)
    shutil.rmtree(info["data"], ignore_errors=True)


def s3_archive(address, monkeypatch) -> str:
    """A new bucket at `address`, and this process's AWS variables set to it."""
    for name, value in {
        "AWS_ENDPOINT_URL": address["url"], "AWS_ACCESS_KEY_ID": address["access_key"],
        "AWS_SECRET_ACCESS_KEY": address["secret_key"], "AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull,
    }.items():
        monkeypatch.setenv(name, value)
    bucket = f"archive-{uuid.uuid4().hex}"
    boto3.Session(region_name="us-east-1").client("s3").create_bucket(Bucket=bucket)
    return f"s3://{bucket}/club/social"


def never_wait(_seconds: float) -> None:
    pytest.fail("a healthy store needs no second try")


@pytest.fixture(params=["directory", "moto", pytest.param("ministack", marks=pytest.mark.realservers)])
def store(request, tmp_path, monkeypatch) -> Store:
    if request.param == "directory":
        return open_store(f"dir:{tmp_path / 'archive'}", wait=never_wait)
    address = request.getfixturevalue(f"{request.param}_address")
    return open_store(s3_archive(address, monkeypatch), wait=never_wait)


def test_created_object_is_there(store):
    """What was created is read back byte for byte, and listed."""
    assert store.create(KEY, b'{"seq":1}\n\x00\xff') is True

    assert store.get(KEY) == b'{"seq":1}\n\x00\xff'
    assert list(store.list("v1/")) == [KEY]


def test_second_writer_is_told_and_changes_nothing(store):
    """A rival's create answers False and leaves the first bytes."""
    store.create(KEY, b"first")

    assert store.create(KEY, b"second") is False

    assert store.get(KEY) == b"first"


def test_same_bytes_again_are_ours(store):
    """Creating the same bytes again is no conflict: a try whose answer was lost may be repeated."""
    store.create(KEY, b"first")

    assert store.create(KEY, b"first") is True


def test_empty_object_can_be_created(store):
    """An index line is an object without bytes."""
    assert store.create("v1/done/2026/11/22/published/posts.hello~mastodon~1", b"") is True
    assert store.get("v1/done/2026/11/22/published/posts.hello~mastodon~1") == b""


def test_absent_object_is_none(store):
    """What was never created has neither bytes nor age nor a place in a listing."""
    assert (store.get(KEY), store.age(KEY), list(store.list("v1/ledger/"))) == (None, None, [])


def test_listing_is_in_key_order_by_any_prefix(store):
    """Any prefix, also one that ends inside a name, gives exactly the keys that begin with it, sorted."""
    keys = [f"v1/ledger/{post}/{channel}/{run}/{seq:06d}.json"
            for post in ("a", "a-b", "a.b", "a0", "ab") for channel in ("x", "x-y") for run in ("1", "1.withdraw")
            for seq in (1, 2)]
    for key in reversed(keys):
        store.create(key, key.encode())

    for prefix in ("", "v1/", "v1/ledger/a", "v1/ledger/a/", "v1/ledger/a/x", "v1/ledger/a/x/1/00", "v1/ledger/b", "v"):
        assert list(store.list(prefix)) == sorted(k for k in keys if k.startswith(prefix)), prefix


def test_age_is_told_by_the_store(store):
    """An object just created is no minute old by the clock of the store, which is an aware one."""
    store.create(KEY, b"first")

    assert 0 <= store.age(KEY) < 60
    assert store.now().utcoffset() == timedelta(0)


def test_probe_accepts_a_store_that_keeps_the_promise(store):
    """A sound store passes the start-up check, twice, and keeps what it was asked to keep."""
    store.create(KEY, b"first")

    store.probe()
    store.probe()

    assert store.get(KEY) == b"first"
    assert len(list(store.list("v1/probe/"))) == 2


@pytest.mark.parametrize("key", [
    "", "/etc/passwd", "v1/../secret", "v1/./x", "v1//x", "v1/x/", "v1/.hidden", "v1/Hello", "v1/a b", "v1/a\n",
    "v1/" + "a" * 81, "v1/a~b~c~d", "v1/~a", "v1/a~.b", "v1/é",
])
def test_unfit_key_is_refused(store, key):
    """A name that some store could not keep as it is never reaches any."""
    with pytest.raises(StoreError) as refused:
        store.create(key, b"")

    assert refused.value.remedy
    with pytest.raises(StoreError):
        store.get(key)


def test_names_of_full_length_fit(store):
    """Three names of 80 characters fit into one index line."""
    key = "v1/done/2026/11/22/published/" + "~".join(("p" * 80, "c" * 80, "1" * 80))

    assert store.create(key, b"") is True
    assert list(store.list("v1/done/")) == [key]


@pytest.mark.parametrize("url", ["", "dir:", "archive", "s3:", "s3://", "s3:bucket", "ftp://host/x", "s3://a b/c"])
def test_unknown_address_is_refused(url):
    """An address that names no store is answered with the two that do."""
    with pytest.raises(SettingsError) as refused:
        open_store(url)

    assert "s3://bucket/prefix" in refused.value.remedy


def test_address_with_a_password_is_not_repeated():
    """What somebody put before an @ in the address is not printed."""
    with pytest.raises(SettingsError) as refused:
        open_store("s3://AKIAEXAMPLE:hunter2@bucket/prefix")

    assert "hunter2" not in f"{refused.value} {refused.value.remedy}"


def test_looking_makes_no_folder(tmp_path):
    """Reading an archive that does not exist yet says "nothing", and leaves no folder behind."""
    store = open_store(f"dir:{tmp_path / 'archive'}")

    assert list(store.list("v1/")) == []
    assert store.get(KEY) is None
    assert not (tmp_path / "archive").exists()


def test_directory_stays_where_it_was_when_the_process_moves(tmp_path, monkeypatch):
    """A relative folder is the one below the folder where the store was opened."""
    monkeypatch.chdir(tmp_path)
    store = open_store("dir:archive")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    store.create(KEY, b"first")

    assert (tmp_path / "archive" / KEY).read_bytes() == b"first"
    assert store.address == f"dir:{tmp_path}/archive"


def test_directory_age_comes_from_the_files(tmp_path):
    """The age is the file's, so that two machines with different clocks agree."""
    store = open_store(f"dir:{tmp_path}")
    store.create(KEY, b"first")
    born = store.now().timestamp() - 130
    os.utime(tmp_path / KEY, (born, born))

    assert 130 <= store.age(KEY) < 190


def test_every_new_folder_is_made_durable(tmp_path):
    """Before create answers, the record's folder and each folder above it, up to the archive's own, were synced."""
    synced: list[Path] = []

    def note(folder: Path) -> None:
        sync_folder(folder)
        synced.append(folder)

    store = DirectoryStore(str(tmp_path / "new" / "archive"), sync=note)
    store.create("v1/ledger/a/b/1/000001.json", b"first")

    archive = tmp_path / "new" / "archive"
    above = {tmp_path, tmp_path / "new", archive, archive / "v1", archive / "v1/ledger", archive / "v1/ledger/a",
             archive / "v1/ledger/a/b"}
    assert set(synced[:-1]) == above
    assert synced[-1] == archive / "v1/ledger/a/b/1"


def test_another_process_s_new_folder_is_made_durable_too(tmp_path):
    """A folder that a rival made just now may not be on disk yet: whoever writes below it sees to that first."""
    (tmp_path / "v1/ledger/a/b/1").mkdir(parents=True)
    synced: list[Path] = []

    DirectoryStore(str(tmp_path), sync=synced.append).create("v1/ledger/a/b/1/000001.json", b"first")

    assert {tmp_path / "v1/ledger/a", tmp_path / "v1/ledger", tmp_path / "v1", tmp_path} <= set(synced)


def test_failed_sync_is_no_answer_and_can_be_repeated(tmp_path):
    """If the folder cannot be synced nobody knows, and the same create again settles it."""
    failures = [OSError(5, "Input/output error")]

    def sync(folder: Path) -> None:
        if folder.name == "1" and failures:
            raise failures.pop()
        sync_folder(folder)

    store = DirectoryStore(str(tmp_path), sync=sync)
    with pytest.raises(Unanswered):
        store.create(KEY, b"first")

    assert store.create(KEY, b"first") is True
    assert temp_files(tmp_path) == []


@pytest.mark.parametrize("number", [1, 18, 38, 95])      # EPERM, EXDEV, ENOSYS, EOPNOTSUPP
def test_file_system_without_hard_links_is_refused(tmp_path, number):
    """Where links do not exist nothing is created, and the message says where else to go."""
    def link(_old: Path, _new: Path) -> None:
        raise OSError(number, os.strerror(number))

    store = DirectoryStore(str(tmp_path), link=link)
    with pytest.raises(StoreError, match="no hard links") as refused:
        store.probe()

    assert "--archive dir:PATH" in refused.value.remedy
    assert list(store.list("")) == []
    assert temp_files(tmp_path) == []


def test_lost_answer_to_a_link_is_settled_by_trying_again(tmp_path):
    """A network file system may link and then lose the answer: nobody knows, and the next try finds it ours."""
    def link(old: Path, new: Path) -> None:
        os.link(old, new)
        raise OSError(110, "Connection timed out")

    store = DirectoryStore(str(tmp_path), link=link)
    with pytest.raises(Unanswered):
        store.create(KEY, b"first")

    assert store.create(KEY, b"first") is True
    assert store.create(KEY, b"second") is False


@pytest.mark.parametrize("in_the_way", ["archive", "archive/v1", "archive/v1/ledger/posts.hello"])
def test_file_in_the_way_is_named(tmp_path, in_the_way):
    """A file where a folder should be is a refusal that says which and what to do; the file stays."""
    blocker = tmp_path / in_the_way
    blocker.parent.mkdir(parents=True, exist_ok=True)
    blocker.write_text("notes")
    store = open_store(f"dir:{tmp_path / 'archive'}")

    with pytest.raises(StoreError) as refused:
        store.create(KEY, b"first")

    assert str(blocker) in refused.value.what
    assert "stands in the way" in refused.value.remedy
    assert blocker.read_text() == "notes"


def test_folder_in_the_way_is_named(tmp_path):
    """A folder where the record should be is a refusal, not a record."""
    (tmp_path / KEY).mkdir(parents=True)

    with pytest.raises(StoreError) as refused:
        open_store(f"dir:{tmp_path}").create(KEY, b"first")

    assert KEY in refused.value.what
    assert "folder that stands in the way" in refused.value.remedy


def test_unwritable_folder_is_named(tmp_path):
    """A folder this user may not write in is a refusal that names it."""
    script = """
import os, sys
from flows.edges.store import open_store
from schemas.errors import StoreError
store = open_store("dir:" + sys.argv[1])
if os.geteuid() == 0:
    os.seteuid(65534)       # root may write anywhere
try:
    store.create("v1/x/y", b"")
except StoreError as error:
    print(error.what, "|", error.remedy)
"""
    place = Path("/tmp") / f"drumbeat-{uuid.uuid4().hex}"      # tmp_path itself is closed to other users
    place.mkdir(mode=0o555)
    try:
        said = run_python(script, str(place)).stdout
    finally:
        place.rmdir()

    assert f"{place}" in said
    assert "Permission denied" in said
    assert "let this user write there" in said


def test_write_that_fails_half_way_leaves_nothing(tmp_path):
    """When the system refuses the rest of a file, there is an error with a remedy and no torn object."""
    script = """
import resource, signal, sys
from flows.edges.store import open_store
from schemas.errors import StoreError
store = open_store("dir:" + sys.argv[1])
store.create("v1/media/small", b"s" * 100)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    store.create("v1/media/large", b"l" * 100_000)
except StoreError as error:
    print(type(error).__name__, "|", error.remedy)
"""
    said = run_python(script, str(tmp_path)).stdout

    assert said.startswith("StoreError | lift the limit on file size")
    assert list(open_store(f"dir:{tmp_path}").list("")) == ["v1/media/small"]
    assert temp_files(tmp_path) == []


def test_full_disk_leaves_nothing(tmp_path):
    """A disk that is really full gives an error with a remedy, no torn object and no temp file; less still fits."""
    script = """
import sys
from pathlib import Path
from flows.edges.store import open_store
from schemas.errors import StoreError
root = Path(sys.argv[1])
store = open_store(f"dir:{root}")
store.create("v1/media/small", b"s" * 100)
try:
    store.create("v1/media/large", b"l" * 1_000_000)
except StoreError as error:
    print(error.what, "|", error.remedy)
print([str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()])
print(store.create("v1/media/medium", b"m" * 1000))
"""
    mounted = subprocess.run(
        ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=256k none "$0" && exec "$@"', str(tmp_path),
         sys.executable, "-c", script, str(tmp_path)],
        capture_output=True, text=True, cwd=PROJECT, check=False) if shutil.which("unshare") else None
    if mounted is None or "mount" in mounted.stderr or "unshare" in mounted.stderr:
        pytest.skip("this machine lets nobody mount a small disk")

    said = mounted.stdout.splitlines()
    assert "No space left on device" in said[0]
    assert "free some space there" in said[0]
    assert said[1:] == ["['v1/media/small']", "True"]


def test_old_temp_files_are_swept_at_the_start_up_check(tmp_path):
    """What killed writers left is removed after a day, by the clock of the disk; younger ones may be in use."""
    store = open_store(f"dir:{tmp_path}")
    now = store.now().timestamp()
    for name, age_h in ((".tmp-old", 25), (".tmp-young", 23)):
        (tmp_path / name).write_bytes(b"half a rec")
        os.utime(tmp_path / name, (now - age_h * 3600,) * 2)

    store.probe()

    assert temp_files(tmp_path) == [".tmp-young"]


def test_eight_processes_race_and_one_wins(tmp_path):
    """However many processes create one key at the same moment, exactly one is told that it did."""
    script = """
import sys
from flows.edges.store import open_store
store = open_store("dir:" + sys.argv[1])
me = sys.argv[2].encode()
print("ready", flush=True)
sys.stdin.readline()
for n in range(100):
    if store.create(f"v1/ledger/race/x/{n}/000001.json", me * 1000):
        print(n)
"""
    racers = [start_python(script, str(tmp_path), str(number)) for number in range(8)]
    for racer in racers:
        racer.stdout.readline()
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    wins = [[int(line) for line in racer.communicate()[0].split()] for racer in racers]

    assert sorted(n for won in wins for n in won) == list(range(100))
    store = open_store(f"dir:{tmp_path}")
    for number, won in enumerate(wins):
        for n in won:
            assert store.get(f"v1/ledger/race/x/{n}/000001.json") == str(number).encode() * 1000


def test_killed_writer_leaves_no_torn_record(tmp_path):
    """kill -9 at any moment of create leaves whole objects or none: every name is the hash of its bytes."""
    script = """
import hashlib, os, sys
from flows.edges.store import open_store
store = open_store("dir:" + sys.argv[1])
while True:
    body = os.urandom(30_000)
    store.create(f"v1/media/{hashlib.sha256(body).hexdigest()}", body)
    print("one", flush=True)
"""
    kept = 0
    for trial in range(25):
        writer = start_python(script, str(tmp_path))
        for _ in range(1 + trial % 7):
            writer.stdout.readline()
            kept += 1
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()

    store = open_store(f"dir:{tmp_path}")
    found = list(store.list("v1/media/"))
    assert len(found) >= kept
    for key in found:
        assert key == f"v1/media/{hashlib.sha256(store.get(key)).hexdigest()}"


def test_opening_a_directory_does_not_import_the_sdk():
    """Only an S3 archive pays for boto3: `drumbeat check` starts without it."""
    script = """
import sys
import flows.edges.ledger, flows.planning.deciding
from flows.edges.store import open_store
open_store("dir:/nowhere")
print([name for name in ("boto3", "botocore", "httpx", "prefect") if name in sys.modules])
"""
    assert run_python(script).stdout == "[]\n"


def temp_files(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.glob(".tmp-*"))


def start_python(script: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", script, *arguments], cwd=PROJECT, text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def run_python(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", script, *arguments], cwd=PROJECT, text=True, check=True,
                          capture_output=True)


def test_a_folder_that_was_taken_away_is_on_disk_again(tmp_path):
    """Whoever cleans up empty folders of a running publisher costs no record its place: each name is synced anew."""
    synced: list[Path] = []

    def note(folder: Path) -> None:
        sync_folder(folder)
        synced.append(folder)

    archive = tmp_path / "archive"
    store = DirectoryStore(str(archive), sync=note)
    store.create("v1/ledger/a/b/1/000001.json", b"first")
    shutil.rmtree(archive / "v1/ledger/a")
    synced.clear()

    assert store.create("v1/ledger/a/c/1/000001.json", b"second") is True

    assert {archive / "v1/ledger", archive / "v1/ledger/a", archive / "v1/ledger/a/c",
            archive / "v1/ledger/a/c/1"} <= set(synced)


def test_the_very_folder_of_a_record_may_be_taken_away(tmp_path):
    """Nobody knows what became of the record; the same create again makes its folder, and settles it."""
    store = DirectoryStore(str(tmp_path))
    store.create("v1/ledger/a/b/1/000001.json", b"first")
    shutil.rmtree(tmp_path / "v1")

    with pytest.raises(StoreError):
        store.create("v1/ledger/a/b/1/000002.json", b"second")

    assert store.create("v1/ledger/a/b/1/000002.json", b"second") is True
