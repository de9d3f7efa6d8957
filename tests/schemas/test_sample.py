"""The sample organisation's content is the example to copy: all of it fits the models."""
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from schemas.audience import Audience, PillarsFile
from schemas.campaign import Campaign, Review
from schemas.channel import ChannelsFile
from schemas.crisis import CrisisPlan, Statement
from schemas.engagement import BlackoutsFile, CheckIn, Playbook, Policy
from schemas.idea import Idea
from schemas.people import Team
from schemas.post import Head
from schemas.rulebook import MediaLibrary, Rulebook
from schemas.strategy import Discovery, Strategy

CONTENT = Path(__file__).parents[2] / "content"
HOMES: dict[str, type[BaseModel]] = {
    "strategy.yaml": Strategy, "discovery.yaml": Discovery, "people/team.yaml": Team, "audiences/*.yaml": Audience,
    "networks/channels.yaml": ChannelsFile, "pillars.yaml": PillarsFile, "campaigns/*/campaign.yaml": Campaign,
    "campaigns/*/reviews/*.md": Review, "calendar/blackouts.yaml": BlackoutsFile,
    "engagement/playbook.yaml": Playbook, "crisis/plan.yaml": CrisisPlan, "crisis/holding/*.md": Statement,
    "policies/*.md": Policy, "ideas/*.md": Idea, "checkins/*.md": CheckIn, "media/library.yaml": MediaLibrary,
    "rules.yaml": Rulebook, "posts/*.md": Head, "campaigns/*/posts/*.md": Head, "evergreen/*.md": Head,
}


class CoreLoader(yaml.SafeLoader):
    """YAML as people mean it: `true`, numbers and null are read, dates and times stay text."""


CoreLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in (("null", r"null|~|", ["n", "~", ""]), ("bool", r"true|false", ["t", "f"]),
                            ("int", r"[-+]?[0-9]+", list("-+0123456789")),
                            ("float", r"[-+]?[0-9]*\.[0-9]+", list("-+.0123456789"))):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), first)


def written(file: Path) -> Any:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        text = text.split("---\n", 2)[1]
    return yaml.load(text, CoreLoader)


def files() -> list[tuple[str, type[BaseModel]]]:
    return sorted((str(file.relative_to(CONTENT)), model)
                  for pattern, model in HOMES.items() for file in CONTENT.glob(pattern))


@pytest.mark.parametrize(("file", "model"), files())
def test_every_file_of_the_sample_parses(file: str, model: type[BaseModel]) -> None:
    """Each file of the sample is read into its model, and every key that was written is kept."""
    raw = written(CONTENT / file)

    value = model.model_validate(raw)

    said = value.model_dump(by_alias=True, exclude_unset=True)
    assert set(said) == set(raw)


def test_no_file_of_the_sample_is_left_out() -> None:
    """Every YAML and Markdown file of the sample belongs to a model."""
    there = {str(f.relative_to(CONTENT)) for f in CONTENT.rglob("*") if f.suffix in (".yaml", ".yml", ".md")}

    assert there == {file for file, _ in files()}


def test_every_image_is_described_and_small() -> None:
    """Each image is a JPEG under 200 kB that the library describes, and the library describes nothing else."""
    images = {file.name: file.read_bytes() for file in (CONTENT / "media").glob("*.jpg")}
    library = MediaLibrary.model_validate(written(CONTENT / "media" / "library.yaml"))

    assert {name for name, data in images.items() if data.startswith(b"\xff\xd8\xff") and len(data) < 200_000} \
        == {name for name, item in library.items.items() if item.alt}
