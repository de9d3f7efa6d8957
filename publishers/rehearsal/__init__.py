"""A loopback double of each network: enough of its API to carry our adapter, its refusals, and a script of faults."""
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publishers.rehearsal._twin import Twin

_ENDING = "_twin.py"


def twins() -> "dict[str, type[Twin]]":
    """Every rehearsal network by name, which is its file's name before `_twin.py`; imported by calling this."""
    names = sorted(entry.name.removesuffix(_ENDING) for entry in files(__name__).iterdir()
                   if entry.name.endswith(_ENDING) and not entry.name.startswith("_"))
    return {name: import_module(f"{__name__}.{name}_twin").TWIN for name in names}
