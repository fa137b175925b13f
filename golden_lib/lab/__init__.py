"""The lab: a network that trains live under sliders, in a notebook on PyTorch or in a page alone.

Read in this order: `settings` (what can be set), `link` (a run as a string), `course` (a run that
can be moved, kept and rewound), `views` (what panels show of it), `wire` (what travels to a page),
`kernel` (the engine: commands in, events out, a thread), `training_lab` (the widget), `still` (a
run in print), `modules` (the JavaScript in `static` as one text). A plane of η and α, a network a
cell, has the same in `plane_settings`, `plane_link`, `plane_lab` and `plane_still`.
"""

from golden_lib.lab.link import Link, read_link, repeating_code, write_link
from golden_lib.lab.plane_lab import PlaneLab
from golden_lib.lab.settings import SETTINGS, Settings
from golden_lib.lab.training_lab import TrainingLab

__all__ = [
    "SETTINGS",
    "Link",
    "PlaneLab",
    "Settings",
    "TrainingLab",
    "read_link",
    "repeating_code",
    "write_link",
]
