"""Figures that people or adapters counted: one metric, one channel, one day."""
import datetime
from typing import NamedTuple

from schemas.place import Place


class Figure(NamedTuple):
    """One line of `content/measures/*.csv`. `metric`: a name of the vocabulary; `value` in its unit.

    `channel` "all": of every channel together.
    """

    date: datetime.date
    metric: str
    channel: str
    value: float
    source: str
    place: Place
