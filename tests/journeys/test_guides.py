"""The guides are true: their code is run against the product, block by block, in the order of the page."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.product import BIN, TOP, Product

README = TOP / "README.md"
GUIDES = TOP / "docs" / "guides"
MAIN_JOB = "## The main job"


@pytest.fixture
def shop(product: Product) -> dict[str, str]:
    """The product with its demo data, as the environment that programs find it by."""
    product.start("worker")
    load = [str(BIN / "flask"), "--app", "wsgi", "demo-data", "load"]
    subprocess.run(load, cwd=TOP, env=product.environment, check=True, capture_output=True)
    return os.environ | {"API": f"http://127.0.0.1:{product.port}/api/v1"}


@pytest.mark.parametrize("guide", ["buyer", "supplier", "manager"])
def test_the_code_of_a_guide_works(guide: str, shop: dict[str, str], tmp_path: Path) -> None:
    page = GUIDES / f"{guide}.md"
    helpers = _code_of(README, "sh", after=MAIN_JOB).partition("SUPPLIER=")[0]
    _run(["bash", "-eu", "-o", "pipefail"], helpers + _code_of(page, "sh"), shop, tmp_path)
    _run([sys.executable], _code_of(page, "python"), shop, tmp_path)


def test_the_main_job_of_the_readme_works(shop: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "instance" / "mail").mkdir(parents=True)
    _run(["bash", "-eu", "-o", "pipefail"], _code_of(README, "sh", after=MAIN_JOB), shop, tmp_path)


def _run(command: list[str], code: str, environment: dict[str, str], folder: Path) -> None:
    if command[0] == "bash" and not (shutil.which("bash") and shutil.which("curl")):
        pytest.skip("there is no bash or no curl here")
    program = folder / "program"
    program.write_text(code, "utf-8")
    done = subprocess.run([*command, program], cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip(), "a guide shows what came of it"


def _code_of(page: Path, language: str, *, after: str = "") -> str:
    """One program, in which an error names the line of the page."""
    text = page.read_text("utf-8")
    program = ["\n"] * text.count("\n")
    for block in re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if block.start() > text.index(after):
            first = text.count("\n", 0, block.start(1))
            program[first : first + block[1].count("\n")] = block[1].splitlines(keepends=True)
    return "".join(program)
