"""Whether a post may go out on a channel at all, whatever its time: errors, holds, lost homes; and in which stage."""
from datetime import datetime
from zoneinfo import ZoneInfo

from schemas.campaign import Campaign
from schemas.channel import Channel
from schemas.content import Content, Resolved
from schemas.problem import Problem


class Permit:
    """What `content` lets go out."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.broken = content.broken()
        paths = {p.place.file.removeprefix(f"{content.root}/"): p for p in reversed(self.broken.get(None, []))}
        self.unreadable = {path: problem for path, problem in paths.items() if path in content.unreadable}
        self.doubled = {p.channel: p for p in self.broken.get(None, []) if p.channel is not None}
        self.strategies = [path for path in self.unreadable if path.startswith("strategies/")]
        self.campaigns: dict[str, Campaign] = {
            e.folder: e.value for e in content.entries if isinstance(e.value, Campaign)}
        self.ends = sorted(c.end for c in self.campaigns.values() if c.end)
        self.thanks = {c.maintenance.thanks for c in self.campaigns.values() if c.maintenance is not None}
        self._zone = ZoneInfo(content.timezone)

    def why_not(self, post: Resolved, channel: Channel) -> str | None:
        """Why a post with a time does not go out on a channel, in the author's words."""
        if self.broken:
            errors = [p for p in self.broken.get(post.id, []) if p.channel in (None, channel.id) and p.run is None]
            if errors:
                return f"{errors[0].place}: {errors[0].message} {errors[0].remedy}"
            if (lost := self._lost(post, channel)) is not None:
                return f"{lost.place}: {lost.message} {lost.remedy}"
        if channel.network not in self.content.networks:
            return f"{channel.network} is not supported yet"
        return self.why_held(post)

    def why_held(self, post: Resolved) -> str | None:
        """Why its author lets it go out nowhere."""
        if post.post.head.hold:
            return f"held by its author: {post.post.head.hold}"
        if post.post.head.withdraw:
            return "its file says withdraw: true"
        return None

    def campaign(self, folder: str | None) -> Campaign | None:
        """The campaign of a folder, when there is one that can be read."""
        return self.campaigns.get(folder) if folder else None

    def is_thanks(self, post: Resolved) -> bool:
        """Whether the post is the thanks of its campaign: it may come after the last day."""
        return bool(self.thanks) and bool({post.id, post.post.stem} & self.thanks)

    def stage(self, at: datetime, post: Resolved, *, own: bool = False) -> str:
        """`campaign`, `maintenance` or `groundwork` at that time. `own`: the days of its own campaign alone count."""
        day = at.astimezone(self._zone).date()
        campaign = self.campaign(post.post.campaign)
        if campaign is not None and campaign.start and campaign.end and campaign.start <= day <= campaign.end:
            return "campaign"
        return "maintenance" if not own and self.ends and self.ends[0] < day else "groundwork"

    def _lost(self, post: Resolved, channel: Channel) -> Problem | None:
        """Why nobody knows where or how the post goes out: what it inherits cannot be read, or means two channels."""
        if self.unreadable:
            homes = ["strategy.yaml", f"campaigns/{post.post.campaign}/campaign.yaml",
                     f"evergreen/{post.post.series}/series.yaml", *self.strategies]
            homes += ["media/library.yaml"] if post.media else []
            lost = next((self.unreadable[path] for path in homes if path in self.unreadable), None)
            if lost is not None:
                return lost
        return self.doubled.get(channel.id)
