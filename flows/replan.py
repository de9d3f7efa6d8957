"""The plan of a content folder, from commit to commit: a push costs what it changed, a start what was kept."""
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import publishers
from flows.edges import almanacs
from flows.edges.repository import Change as Changed
from flows.edges.repository import Repository
from flows.planning.condensing import Almanac, Card, condense, frame_of
from flows.planning.preparing import NOBODY_ELSE, Others, Prepared, prepare
from flows.planning.reading import is_post
from flows.planning.replanning import Change, replan
from flows.planning.tallying import Said
from schemas.content import Content, SourceFile
from schemas.hold import Moved
from schemas.ledger import Slot
from schemas.world import World

Know = Callable[[Content, str, bool], World]
"""What is known beyond a content at a commit; only of Git, unless the third says that the hour has come."""


class Taken(NamedTuple):
    """What became of one commit. `cards`: every post file that was thought of, None for one that is gone.

    `before`: what was known of them; None: nothing was kept that could be used, so all was thought of.
    """

    prepared: Prepared
    cards: Mapping[str, Card | None]
    before: Mapping[str, Card | None] | None

    @property
    def whole(self) -> bool:
        return self.before is None


class Planner:
    """The plan of one folder in short. `home`: where it is kept between two starts; None: nowhere.

    `mark` tells plans of the same folder apart whose times may differ: the archive that they belong to. `know`: what
    Git, the archive and the networks tell at a commit; None: nobody asks.
    """

    def __init__(self, repository: Repository, home: Path | None, mark: str = "",
                 know: Know | None = None) -> None:
        self.repository, self.home, self._know = repository, home, know
        self._name = hashlib.sha256(f"{repository.folder}\0{mark}".encode()).hexdigest()[:16]
        self.almanac: Almanac | None = None
        self._frame: list[SourceFile] | None = None              # the files that are no posts, read
        self._resumed: Mapping[Slot, Moved] = {}                  # what resumes had made of slots when it was taken

    def take(self, commit: str, *, now: datetime, kept: Mapping[Slot, datetime] | None = None,
             sent: Mapping[Slot, datetime | None] | None = None, moved: Iterable[str] = (),
             resumed: Mapping[Slot, Moved] | None = None,
             approve: Callable[[Content], None] = lambda _: None) -> Taken:
        """Brings the plan to `commit`. `kept`, `sent`, `resumed`: as for `prepare`; `moved`: posts that went out at
        other times.

        Raises ContentError when the folder is not in that commit or holds too much, and whatever `approve` raises of
        the content; then the plan stays as it was.
        """
        if self.almanac is None and self.home is not None:
            self.almanac = almanacs.load(self.home, self._name)
        taken = None
        if self.almanac is not None and (kept is None or self._gave(kept)):
            taken = self._take_changes(self.almanac, commit, now, sent, moved, resumed or {})
        if taken is None:
            taken = self._take_all(commit, now, kept, sent, resumed or {}, approve)
        self._resumed = resumed or {}
        return taken

    def keep(self) -> None:
        """Keeps the plan for the next start; nobody has to wait for that before acting on it."""
        if self.home is not None and self.almanac is not None:
            almanacs.keep(self.home, self._name, self.almanac)

    def details(self, slots: Iterable[Slot], *, now: datetime,
                sent: Mapping[Slot, datetime | None] | None = None) -> Prepared:
        """All that there is to say of the posts of these slots, as the plan in force has them. Raises ContentError."""
        assert self.almanac is not None
        almanac = self.almanac
        paths = {path for slot in slots for path in almanac.paths.get(slot.post, ())}
        frame = self._frame = self._read_frame(almanac, [])

        def think(files: list[SourceFile], kept: Mapping[Slot, datetime], others: Others) -> Prepared:
            return self._prepare([*frame, *files], almanac.commit, now, kept, sent, self._resumed, others)

        same = [Change(file.path, file) for file in self._look(almanac, paths)]
        return replan(almanac, same, lambda others: self._look(almanac, others), think, resumed=self._resumed,
                      seek=False).prepared

    def kept_back(self, slots: Collection[Slot], said: Mapping[str, Sequence[Said]], *, now: datetime,
                  sent: Mapping[Slot, datetime | None] | None = None) -> dict[Slot, str]:
        """Which of these slots of the plan may not go out by what their hour decides, and why. Raises ContentError.

        `said`: what their channels, and those of their campaigns, said and will say. Whole campaigns are looked at.
        """
        assert self.almanac is not None
        almanac = self.almanac
        own = {path for slot in slots for path in almanac.paths.get(slot.post, ())}
        folders = tuple({f"campaigns/{path.split('/')[1]}/" for path in own if path.startswith("campaigns/")})
        paths = own | {path for of_id in almanac.paths.values() for path in of_id
                       if folders and path.startswith(folders)}
        frame = self._frame = self._read_frame(almanac, [])

        def think(files: list[SourceFile], kept: Mapping[Slot, datetime], others: Others) -> Prepared:
            mine = {almanac.cards[file.path].id for file in files if file.path in almanac.cards}
            known = {channel: [one for one in of_channel if one.slot.post not in mine]
                     for channel, of_channel in said.items()}
            return self._prepare([*frame, *files], almanac.commit, now, kept, sent, self._resumed,
                                 others._replace(said=known), due=True)

        same = [Change(file.path, file) for file in self._look(almanac, paths)]
        prepared = replan(almanac, same, lambda others: self._look(almanac, others), think, resumed=self._resumed,
                          seek=False).prepared
        wanted = set(slots)
        return {one.slot: one.why for one in prepared.plan.waiting if one.slot in wanted}

    @property
    def asks(self) -> bool:
        """Whether anybody looks beyond the folder; else no gate keeps anything back."""
        return self._know is not None

    def forget(self) -> None:
        """Keeps in memory only what the next push may need."""
        if self.almanac is not None and isinstance(self.almanac.cards, almanacs.Cards):
            self.almanac.cards.forget()

    def _gave(self, kept: Mapping[Slot, datetime]) -> bool:
        """Whether the plan in short gave just these times."""
        assert self.almanac is not None
        mine = sorted((channel, at) for channel, found in self.almanac.found.items() for at, _ in found)
        return mine == sorted((slot.channel, int(at.timestamp())) for slot, at in kept.items())

    def _take_all(self, commit: str, now: datetime, kept: Mapping[Slot, datetime] | None,
                  sent: Mapping[Slot, datetime | None] | None, resumed: Mapping[Slot, Moved],
                  approve: Callable[[Content], None]) -> Taken:
        files = list(self.repository.files(commit))
        prepared = self._prepare(files, commit, now, kept or {}, sent, resumed, NOBODY_ELSE)
        approve(prepared.content)
        self._frame = [file for file in files if not is_post(file.path)]
        cards = condense(prepared, [file for file in files if is_post(file.path)])
        self.almanac = Almanac(commit, frame_of(prepared, self._frame), almanacs.Cards())
        self.almanac.fill(cards.items())
        return Taken(prepared, cards, None)

    def _take_changes(self, almanac: Almanac, commit: str, now: datetime, sent: Mapping[Slot, datetime | None] | None,
                      moved: Iterable[str], resumed: Mapping[Slot, Moved]) -> Taken | None:
        """None: what changed cannot be told, or it changes what every post is seen in."""
        changed = self.repository.changed(almanac.commit, commit) if commit != almanac.commit else []
        if changed is None or any(not is_post(change.path) and _says_something(change) for change in changed):
            return None
        frame = self._read_frame(almanac, changed)
        changes = {change.path: Change(*change) for change in changed if is_post(change.path)}
        users = {path for change in changed if not is_post(change.path)
                 for path in almanac.media.get(change.path.rpartition("/")[2], ())} - changes.keys()
        changes |= {file.path: Change(file.path, file) for file in self._look(almanac, users)}
        made = replan(almanac, changes.values(), lambda paths: self._look(almanac, paths),
                      lambda files, kept, others: self._prepare([*frame, *files], commit, now, kept, sent, resumed,
                                                                others),
                      moved=moved, resumed=resumed)
        before = {path: almanac.cards.get(path) for path in made.cards}
        for path, card in made.cards.items():
            almanac.put(path, card)
        almanac.commit, self._frame = commit, frame
        almanac.frame = almanac.frame._replace(files={file.path: file._replace(data=None) for file in frame})
        return Taken(made.prepared, made.cards, before)

    def _read_frame(self, almanac: Almanac, changed: list[Changed]) -> list[SourceFile]:
        """The files that are no posts, read: the same as before, but for media that came, changed or went."""
        if self._frame is None:
            unread = list(almanac.frame.files.values())
            texts = [file for file in unread if file.probe is None]
            self._frame = [*(file for file in unread if file.probe is not None), *self.repository.reread(texts)]
        other = {change.path: change.file for change in changed if not is_post(change.path)}
        return [*(file for file in self._frame if file.path not in other),
                *(file for file in other.values() if file is not None)]

    def _look(self, almanac: Almanac, paths: Iterable[str]) -> list[SourceFile]:
        """Post files as the plan in short knows them, read."""
        return self.repository.reread([SourceFile(path, *almanac.cards[path][:3]) for path in sorted(paths)])

    def _prepare(self, files: list[SourceFile], commit: str, now: datetime, kept: Mapping[Slot, datetime],
                 sent: Mapping[Slot, datetime | None] | None, resumed: Mapping[Slot, Moved], others: Others, *,
                 due: bool = False) -> Prepared:
        know = self._know
        return prepare(files, self.repository.folder.name, commit, networks=publishers.available(),
                       judge=publishers.judge, now=now.astimezone(UTC), kept=kept, sent=sent, resumed=resumed,
                       others=others, due=due,
                       know=(lambda content: know(content, commit, due)) if know is not None else None)


def _says_something(change: Changed) -> bool:
    """Whether a file that is no post is read for what it says: then every post may mean something else."""
    return change.path.endswith((".yaml", ".md"))
