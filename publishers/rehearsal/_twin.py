"""What a twin is written with, in one place: `from publishers.rehearsal._twin import Refusal, Twin`."""
from publishers.rehearsal._double import Refusal, Twin
from publishers.rehearsal._faults import Fault, parse_faults
from publishers.rehearsal._kept import Kept, KeptMedia
from publishers.rehearsal._server import Rehearsal, app, serve

__all__ = ["Fault", "Kept", "KeptMedia", "Refusal", "Rehearsal", "Twin", "app", "parse_faults", "serve"]
