"""Print constraints that pin every dependency to the oldest release that pyproject.toml declares."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
for requirement in project["dependencies"]:
    name, oldest = re.fullmatch(r"([\w-]+)>=([\d.]+)", requirement).groups()
    print(f"{name}=={oldest}.*" if oldest.count(".") < 2 else f"{name}=={oldest}")
