"""Where each value of a post comes from: the post, `defaults`, the campaign, the tactic, the channel, the strategy.

The order is that of `resolving`, walked once more by itself: a test holds the two against each other.
"""
from collections.abc import Iterator
from typing import Any, NamedTuple

from flows.planning.resolving import FUNNELS, NEEDS_MEDIA
from schemas.campaign import Campaign, Series
from schemas.channel import Channel
from schemas.content import Content, Entry, Resolved
from schemas.place import Place
from schemas.post import Head, Post
from schemas.strategy import Strategy, Tactic

GRACE = "2h"
"""How late a post may go out where nobody says otherwise (domain, section 2)."""
_OWN, _BUILT_IN = "own line", "built in"


class Traced(NamedTuple):
    """One value of a post. `source`: in words; `place` None: it is written nowhere. `channels` empty: for all of them.
    """

    field: str
    value: Any
    source: str
    place: Place | None = None
    channels: tuple[str, ...] = ()


def trace(content: Content, post: Post, resolved: Resolved | None) -> tuple[Traced, ...]:
    """Every value of `post`, in the order of the fields of the front matter, then what its channels add.

    `post` holds what it inherits from `defaults`, as `content` has it; `resolved` None: it is a draft.
    """
    tracer = _Tracer(content, post, resolved)
    return *tracer.fields(), *tracer.descriptions(), *tracer.of_channels()


class _Tracer:
    def __init__(self, content: Content, post: Post, resolved: Resolved | None) -> None:
        self.content, self.post, self.resolved, self.head = content, post, resolved, post.head
        folder = f"campaigns/{post.campaign}" if post.campaign else f"evergreen/{post.series}"
        self.around = next((e for e in content.entries if e.kind in ("campaign", "series")
                            and e.file.rsplit("/", 1)[0] == f"{content.root}/{folder}"), None)
        value = self.around.value if self.around is not None else None
        self.home = value if isinstance(value, Campaign | Series) else None
        self.campaign = value if isinstance(value, Campaign) else None
        self.defaults: Head | None = self.home.defaults if self.home is not None else None
        self.strategy = next((e for e in content.entries if isinstance(e.value, Strategy)), None)
        self.tactic = self._tactic()

    # --- the front matter -------------------------------------------------------------------------------------------

    def fields(self) -> Iterator[Traced]:
        elsewhere = {"channels": self.channels, "intent": self.intent, "goal": self.goal, "funnel": self.funnel,
                     "audience": self.audience, "pillar": self.pillar, "origin": self.origin}
        for name, field in Head.model_fields.items():
            found = self.written(name, field.alias or name)
            if found is None and name in elsewhere:
                found = elsewhere[name]()
            if found is not None and name == "channels":
                found = found._replace(value=self.active(found.value))
            if found is not None and name == "funnel":
                found = found._replace(value={"purchase": "conversion"}.get(found.value, found.value))
            if found is not None:
                yield found

    def written(self, name: str, key: str) -> Traced | None:
        """The value of a field that the post or its `defaults` give."""
        value = getattr(self.head, name)
        # What is inherited is the very value of `defaults`; an own line beside it then has none ("hashtags: # spring").
        inherited = self.defaults is not None and name in self.defaults.model_fields_set and (
            value is getattr(self.defaults, name))
        if value is None:
            return None
        if key in self.post.places and (not inherited or isinstance(value, bool)):
            return Traced(key, value, _OWN, self.post.place(key))
        if inherited and self.around is not None:
            source = f"defaults of {self.around.kind} {self.around.id}"
            return Traced(key, value, source, self.around.place("defaults", key))
        return None

    # --- what is inherited from elsewhere ---------------------------------------------------------------------------

    def channels(self) -> Traced:
        if self.home is not None and self.around is not None and self.home.channels is not None:
            return Traced("channels", self.home.channels, f"{self.around.kind} {self.around.id}",
                          self.around.place("channels"))
        if (found := self.of_tactic("channels")) is not None:
            return found
        has_media = bool(self.resolved.media if self.resolved is not None else self.head.media)
        fit = tuple(c.id for c in self.content.channels.channels if has_media or c.network not in NEEDS_MEDIA)
        every = "every active channel" if has_media else "every active channel that takes text alone"
        return Traced("channels", fit, f"{_BUILT_IN}: {every}")

    def active(self, named: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(c.id for c in self.content.channels.channels if c.id in named and c.status == "active")

    def intent(self) -> Traced:
        return self.of_tactic("intent") or Traced("intent", "give", _BUILT_IN)

    def goal(self) -> Traced | None:
        if self.tactic is not None and self.tactic[1].goals:
            return Traced("goal", self.tactic[1].goals[0], f"tactic {self.tactic[1].id}", self._place("goals"))
        if self.campaign is not None and self.around is not None and self.campaign.goals:
            return Traced("goal", self.campaign.goals[0].goal, f"campaign {self.around.id}",
                          self.around.place("goals", 0, "goal"))
        return None

    def funnel(self) -> Traced:
        intent = (self.written("intent", "intent") or self.intent()).value
        return Traced("funnel", FUNNELS[intent], f"{_BUILT_IN}: {intent} → {FUNNELS[intent]}")

    def audience(self) -> Traced | None:
        if self.campaign is None or self.around is None or not self.campaign.audiences:
            return None
        return Traced("audience", self.campaign.audiences[0], f"campaign {self.around.id}",
                      self.around.place("audiences", 0))

    def pillar(self) -> Traced | None:
        return self.of_tactic("pillar")

    def origin(self) -> Traced:
        if self.head.ugc:
            return Traced("origin", "ugc", f"{_BUILT_IN}: it has ugc:")
        return Traced("origin", "created", _BUILT_IN)

    def of_tactic(self, name: str) -> Traced | None:
        value = getattr(self.tactic[1], name) if self.tactic is not None else None
        if self.tactic is None or value is None:
            return None
        return Traced(name, value, f"tactic {self.tactic[1].id}", self._place(name))

    def _tactic(self) -> tuple[int, Tactic, Entry] | None:
        """The tactic of the post, its number, and the file it stands in; of two with one id the last, as it counts."""
        found = [(number, tactic, entry) for entry in self.content.entries if isinstance(entry.value, Strategy)
                 for number, tactic in enumerate(entry.value.tactics) if tactic.id == self.head.tactic]
        return found[-1] if found else None

    def _place(self, name: str) -> Place | None:
        return self.tactic[2].place("tactics", self.tactic[0], name) if self.tactic is not None else None

    # --- what the media library and the channels say ------------------------------------------------------------------

    def descriptions(self) -> Iterator[Traced]:
        """The description of each picture."""
        library = next((e for e in self.content.entries if e.kind == "media library"), None)
        for media in self.resolved.media if self.resolved is not None else ():
            if media.alt is None:
                continue
            own = media.use.alt is not None or media.use.decorative
            name = next((name for name in (media.file.path.removeprefix("media/"), media.use.file)
                         if library is not None and name in library.places), media.use.file)
            place = media.place if own or library is None else library.place(name, "alt" if media.alt else "decorative")
            yield Traced(f"alt of {media.use.file}", media.alt, _OWN if own else "media library", place)

    def of_channels(self) -> Iterator[Traced]:
        """What its channels add; those that say the same from the same place are told together."""
        named = self.written("channels", "channels") or self.channels()
        wanted = self.active(named.value)
        channels = [(number, c) for number, c in enumerate(self.content.channels.channels) if c.id in wanted]
        file = next((e for e in self.content.entries if e.kind == "channels"), None)
        names = ["timezone", "language", "grace", "max_per_day"]
        names += ["link_placement"] if self.head.link else []
        names += ["slots"] if self.head.at is None and self.head.after is None and self.head.every is None else []
        for name in names:
            if name in Head.model_fields and self.written(name, name) is not None:
                continue                                          # said above, for all channels
            groups: dict[tuple[Any, ...], Traced] = {}
            for number, channel in channels:
                if (one := self.of_channel(name, number, channel, file)) is not None:
                    alike = groups.setdefault((one.value, one.source, one.place), one._replace(channels=()))
                    groups[one.value, one.source, one.place] = alike._replace(channels=(*alike.channels, channel.id))
            for one in groups.values():
                yield one._replace(channels=()) if len(one.channels) == len(channels) else one

    def of_channel(self, name: str, number: int, channel: Channel, file: Entry | None) -> Traced | None:
        value = getattr(channel, name)
        if file is not None and f"channels.{number}.{name}" in file.places and value is not None:
            return Traced(name, value, f"channel {channel.id}", file.place("channels", number, name))
        of_strategy = getattr(self.strategy.value, name, None) if self.strategy is not None else None
        if self.strategy is not None and of_strategy is not None:
            return Traced(name, of_strategy, "strategy", self.strategy.place(name))
        built_in = {"timezone": "UTC", "grace": GRACE, "language": None, "slots": None}.get(name, value)
        return Traced(name, built_in, _BUILT_IN) if built_in is not None else None
