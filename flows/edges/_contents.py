"""What is read of a file of the content folder: text whole, of media the beginning, of everything else nothing."""
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path

from flows.edges import _git
from schemas.content import Probe, SourceFile

TEXT_SUFFIXES = (".md", ".yaml", ".yml", ".csv")
TEXT_BYTES = 256_000
POINTER_BYTES = 1024
"""A Git LFS pointer is shorter than this (git-lfs docs/spec.md, read 2026-11-22); so small a file is read whole."""
MEDIA_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".apng", ".gif", ".webp", ".avif", ".heic", ".heif", ".bmp", ".tif", ".tiff", ".svg",
    ".mp4", ".m4v", ".mov", ".qt", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".m3u8",
    ".mp3", ".m4a", ".aac", ".wav", ".flac", ".ogg", ".opus", ".pdf",
    ".vtt", ".srt",
)  # fmt: skip
"""How the names end of what people attach to posts, and of what is taken for it."""
MEDIA_BYTES = 512_000_000
"""Nothing is read of a larger media file: X's limit of a film (docs.x.com, August 2026), and far too much for Git."""


def filled(top: Path, files: Sequence[SourceFile], probes: MutableMapping[str, Probe] | None) -> Iterator[SourceFile]:
    """`files` of a commit with what is read of them: text whole, of media the beginning. Raises ContentError."""
    known: Mapping[str, Probe] = {} if probes is None else probes
    unknown = {file.path: (file.blob, file.size) for file in files
               if is_media(file) and POINTER_BYTES < file.size <= MEDIA_BYTES and _key(file) not in known}
    whole = _git.objects(top, [file.blob for file in files if is_read(file)])
    heads = _git.beginnings(top, list(unknown.values()), _head_bytes() if unknown else 0)
    for file in files:
        if is_read(file):
            file = file._replace(data=next(whole))
        if is_media(file):
            key = _key(file)
            if file.path in unknown or key not in known:
                file = judged(file, next(heads) if file.path in unknown else file.data or b"")
                if probes is not None and file.probe is not None and file.probe.why is None:
                    probes[key] = file.probe              # what is wrong is told by the file's name: not kept
            else:
                file = file._replace(probe=known[key])
        yield file


def _key(file: SourceFile) -> str:
    return f"{file.blob}:{file.path.rpartition('.')[2].lower()}"


def _head_bytes() -> int:
    from flows.edges.media import HEAD_BYTES  # only where there is media: texts are checked without it

    return HEAD_BYTES


def judged(file: SourceFile, head: bytes) -> SourceFile:
    """`file` with what its beginning says."""
    from flows.edges.media import HEAD_BYTES, probe

    name = file.path.rpartition("/")[2]
    if file.size > MEDIA_BYTES:
        return file._replace(probe=Probe(
            "unknown", why=f"{name} holds {file.size:,} bytes; a media file may hold {MEDIA_BYTES:,}.",
            remedy="Make it shorter or smaller."))
    return file._replace(probe=probe(head[:HEAD_BYTES], file.size, name))


def beginning(path: Path, size: int) -> bytes:
    """As much of a media file on disk as it takes to judge it; nothing of one that is too large."""
    if size > MEDIA_BYTES:
        return b""
    with path.open("rb") as file:
        return file.read(_head_bytes())


def is_read(file: SourceFile) -> bool:
    return file.kind == "file" and (
        file.size <= POINTER_BYTES or (file.size <= TEXT_BYTES and file.path.endswith(TEXT_SUFFIXES)))


def is_media(file: SourceFile) -> bool:
    return (file.kind == "file" and not file.path.endswith(TEXT_SUFFIXES)
            and file.path.lower().endswith(MEDIA_SUFFIXES))
