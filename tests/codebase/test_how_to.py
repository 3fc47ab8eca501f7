"""The recipes of docs/how-to.md name files that exist."""

import re
from pathlib import Path

TOP = Path(__file__).parents[2]


def test_every_file_that_a_recipe_names_exists() -> None:
    named = re.findall(
        r"`((?:shop|docs|migrations)/[\w/.]+|\.env\.example)`", (TOP / "docs/how-to.md").read_text("utf-8")
    )
    assert len(named) > 30
    assert [name for name in named if not (TOP / name).exists()] == []
