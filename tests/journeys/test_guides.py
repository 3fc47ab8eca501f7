"""The guides are true: their code is run against the product, block by block, in the order of the page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.product import BIN, TOP, Product

GUIDES = TOP / "docs" / "guides"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def code_of(guide: str) -> str:
    """One program, in which an error names the line of the page."""
    text = (GUIDES / f"{guide}.md").read_text("utf-8")
    program = ["\n"] * text.count("\n")
    for block in BLOCK.finditer(text):
        first = text.count("\n", 0, block.start(1))
        program[first : first + block[1].count("\n")] = block[1].splitlines(keepends=True)
    return "".join(program)


@pytest.mark.parametrize("guide", ["buyer", "supplier", "manager"])
def test_the_code_of_a_guide_works(guide: str, product: Product, tmp_path: Path) -> None:
    product.start("worker")
    load = [str(BIN / "flask"), "--app", "wsgi", "demo-data", "load"]
    subprocess.run(load, cwd=TOP, env=product.environment, check=True, capture_output=True)
    program = tmp_path / f"{guide}.md.py"
    program.write_text(code_of(guide), "utf-8")
    environment = os.environ | {"API": f"http://127.0.0.1:{product.port}/api/v1"}
    done = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip(), "a guide shows what came of it"
