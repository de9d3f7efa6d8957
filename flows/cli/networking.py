"""networks: what is supported, with its limits, where they come from, and what credentials it needs."""

import click

import publishers
from flows.cli.telling import table, tell, tell_json


@click.command("networks", short_help="What is supported: limits with source and date, credentials.")
@click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")
def networks_command(as_json: bool) -> int:
    """The networks that Drumbeat publishes to.

    \b
    Example: drumbeat networks
    """
    classes = [publishers.load(name) for name in publishers.available()]
    if as_json:
        tell_json(
            {
                "networks": [
                    {
                        "network": c.network,
                        "needs": list(c.needs),
                        "wants": list(c.wants),
                        **c.limits.model_dump(mode="json"),
                    }
                    for c in classes
                ]
            }
        )
        return 0
    rows = [
        (
            c.network,
            f"{c.limits.text or 'any length'} {c.limits.unit}",
            "yes" if c.limits.parts != 1 else "joined",
            str(c.limits.images),
            str(c.limits.alt or "-"),
            str(c.limits.read),
            c.limits.source,
        )
        for c in classes
    ]
    for line in table(("network", "text", "threads", "images", "alt text", "read on", "source"), rows):
        tell(line)
    tell("")
    for c in classes:
        tell(f"{c.network} needs {', '.join(f'DRUMBEAT_<CONNECTION>_{field.upper()}' for field in c.needs)}")
    return 0
