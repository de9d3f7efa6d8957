"""The social goals and campaigns of each strategy, for the rules that judge what they aim at."""
from collections.abc import Iterator
from typing import NamedTuple

from flows.planning.rules.ruling import Facts
from schemas.campaign import Campaign
from schemas.content import Entry
from schemas.place import Place
from schemas.strategy import SocialGoal, Strategy


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


def folder_of(campaign: Entry) -> str:
    """The name by which posts know their campaign, whatever its own id."""
    return campaign.file.split("/")[-2]
