"""A user's own model and data: what ``vauban.toml`` says of them, proposed from a file and edited by a person."""

from vauban.project.build import Project, read_project
from vauban.project.check import Checked, check
from vauban.project.init import Proposed, init

__all__ = ["Checked", "Project", "Proposed", "check", "init", "read_project"]
