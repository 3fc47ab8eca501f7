"""What containers run is what the Procfile says."""

import re
from pathlib import Path

import ryaml

ROOT = Path(__file__).resolve().parents[2]
IN_A_CONTAINER = {"HOST": "0.0.0.0", "PORT": "8000"}


def test_the_containers_run_the_processes_of_the_procfile() -> None:
    services = ryaml.loads((ROOT / "compose.yaml").read_text())["services"]
    for line in (ROOT / "Procfile").read_text().splitlines():
        name, _, command = line.partition(": ")
        filled = re.sub(r"\$\{(\w+):-(.*?)\}", lambda found: IN_A_CONTAINER.get(found[1], found[2]), command)
        assert services[name]["command"] == filled.strip(), name


def test_the_image_holds_neither_secrets_nor_data() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".git", "instance", ".venv"} <= set(ignored)
