"""The two kinds of pydantic model that everything here is made of."""
from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value made by the program."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Authored(BaseModel):
    """A frozen value that a person wrote: unknown keys are errors, `x-` keys were taken out by the reader."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, populate_by_name=True)
