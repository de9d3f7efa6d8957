"""Which file of the content folder holds what, and where a file belongs that nobody reads."""
from difflib import get_close_matches
from fnmatch import fnmatchcase
from importlib import import_module
from typing import NamedTuple

from schemas.model import Authored


class Shelf(NamedTuple):
    """What the files under a path pattern hold. `model_name`: its module and class; `id_key`: the key of its id."""

    pattern: str
    kind: str
    model_name: str
    id_key: str | None

    def model(self) -> type[Authored]:
        """The model of the file; imported only now, for few folders have files of every kind."""
        module, _, name = self.model_name.partition(".")
        model: type[Authored] = getattr(import_module(f"schemas.{module}"), name)
        return model

    def id_of(self, value: Authored, path: str) -> str:
        """The id of `value`: its own, else the name of its file, or of its folder when every such file has one name."""
        own: str | None = getattr(value, self.id_key, None) if self.id_key else None
        names = path.split("/")
        return own or (names[-2] if names[-1] in ("campaign.yaml", "series.yaml") else names[-1].rsplit(".", 1)[0])


_SHELVES = (
    Shelf("strategy.yaml", "strategy", "strategy.Strategy", "strategy"),
    Shelf("strategies/*.yaml", "strategy", "strategy.Strategy", "strategy"),
    Shelf("discovery.yaml", "discovery", "strategy.Discovery", None),
    Shelf("people/team.yaml", "team", "people.Team", None),
    Shelf("audiences/*.yaml", "audience", "audience.Audience", "audience"),
    Shelf("pillars.yaml", "pillars", "audience.PillarsFile", None),
    Shelf("networks/channels.yaml", "channels", "channel.ChannelsFile", None),
    Shelf("campaigns/*/campaign.yaml", "campaign", "campaign.Campaign", "campaign"),
    Shelf("campaigns/*/reviews/*.md", "review", "campaign.Review", None),
    Shelf("evergreen/*/series.yaml", "series", "campaign.Series", "series"),
    Shelf("engagement/playbook.yaml", "playbook", "engagement.Playbook", None),
    Shelf("calendar/blackouts.yaml", "blackouts", "engagement.BlackoutsFile", None),
    Shelf("checkins/*.md", "check-in", "engagement.CheckIn", None),
    Shelf("policies/*.md", "policy", "engagement.Policy", "policy"),
    Shelf("crisis/plan.yaml", "crisis plan", "crisis.CrisisPlan", "plan"),
    Shelf("crisis/holding/*.md", "statement", "crisis.Statement", "statement"),
    Shelf("crisis/incidents/*.yaml", "incident", "crisis.Incident", "incident"),
    Shelf("ideas/*.md", "idea", "idea.Idea", None),
    Shelf("media/library.yaml", "media library", "rulebook.MediaLibrary", None),
    Shelf("rules.yaml", "rules", "rulebook.Rulebook", None),
)
_READ_ELSEWHERE = ("engagement/replies/*.md",)
_TEXTS = (".md", ".markdown", ".yaml", ".yml")
_TABLES = (".csv", ".tsv", ".xlsx", ".xls", ".ods", ".numbers")


def shelf_of(path: str) -> Shelf | None:
    """What the file at `path` holds; None: a post, a picture, or nothing that is known."""
    if not path.endswith((".yaml", ".md")):
        return None
    return next((shelf for shelf in _SHELVES if _matches(path, shelf.pattern)), None)


def holds_figures(path: str) -> bool:
    """Whether the file at `path` is one of the tables of figures."""
    return _matches(path, "measures/*.csv")


def is_lost(path: str) -> bool:
    """Whether somebody wrote the file to be read, and nothing reads a file of that name."""
    if path.startswith("measures/") and path.lower().endswith(_TABLES):
        return not holds_figures(path)
    return path.lower().endswith(_TEXTS) and not any(_matches(path, pattern) for pattern in _READ_ELSEWHERE)


def where_it_belongs(path: str) -> str:
    """What to do about a file that nothing reads."""
    stem, _, ending = path.rpartition(".")
    if path.startswith("measures/") and ending.lower() not in ("md", "yaml", "yml"):
        return "Save it as CSV in measures/ itself, for example as measures/2027.csv."
    if ending not in ("md", "yaml"):
        return f"Rename it to {stem}.{'yaml' if ending.lower() in ('yml', 'yaml') else 'md'}."
    fixed = get_close_matches(path, [shelf.pattern for shelf in _SHELVES if "*" not in shelf.pattern], 1, 0.8)
    if fixed:
        return f"Rename it to {fixed[0]}, if that is what it is."
    known = {shelf.pattern.split("/")[0] for shelf in _SHELVES if "/" in shelf.pattern} | {"posts"}
    close = get_close_matches(path.split("/")[0], known, 1, 0.6) if "/" in path else []
    if close and close[0] != path.split("/")[0]:
        return f"Move it to {close[0]}/, if that is what it is."
    return "Posts live in posts/, campaigns/<id>/posts/ and evergreen/."


def _matches(path: str, pattern: str) -> bool:
    return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)
