"""The social goals and campaigns of each strategy, for the rules that judge what they aim at and what follows."""
from collections.abc import Iterator
from typing import NamedTuple

from flows.planning.rules.ruling import Facts
from schemas.campaign import Campaign
from schemas.content import Entry
from schemas.place import Place
from schemas.strategy import SocialGoal, Strategy

_GIVE_ON = ("strategy.yaml", "/campaign.yaml", "/series.yaml")
"""How the paths of files end from which posts get their tactic, their goal and their stage of the funnel."""


class Goal(NamedTuple):
    """A social goal, the strategy it belongs to, and where it stands."""

    goal: SocialGoal
    strategy: Strategy
    entry: Entry
    number: int

    @property
    def id(self) -> str:
        return self.goal.id

    def place(self, *path: str) -> Place:
        return self.entry.place("social_goals", self.number, *path)


def goals(facts: Facts) -> Iterator[Goal]:
    """Every social goal of every strategy, in order."""
    for entry, strategy in facts.strategies():
        for number, goal in enumerate(strategy.social_goals):
            yield Goal(goal, strategy, entry, number)


def campaigns_of(strategy: Strategy, facts: Facts) -> Iterator[tuple[Entry, Campaign]]:
    """The campaigns of a strategy; one that names none belongs to the only one there is."""
    is_only = len(facts.strategies()) == 1
    for entry, campaign in facts.campaigns():
        if campaign.strategy == strategy.strategy or (campaign.strategy is None and is_only):
            yield entry, campaign


def posts_are_known(facts: Facts) -> bool:
    """Whether every post can be read, and all that posts inherit from: else nobody can say what no post does."""
    content = facts.content
    if any(path.endswith(_GIVE_ON) or path.startswith("strategies/") for path in content.unreadable):
        return False
    broken = content.broken().keys() - {None}
    known = {post.id for post in content.posts} | {post.id for post in content.drafts} if broken else set()
    return broken <= known
