"""What containers run is what the Procfile says."""

import re
from pathlib import Path

import ryaml

from dev.run import read_procfile
from shop.celery import QUEUES

ROOT = Path(__file__).resolve().parents[2]
IN_A_CONTAINER = {"HOST": "0.0.0.0", "PORT": "8000"}


def test_the_containers_run_the_processes_of_the_procfile() -> None:
    services = ryaml.loads((ROOT / "compose.yaml").read_text())["services"]
    for line in (ROOT / "Procfile").read_text().splitlines():
        name, _, command = line.partition(": ")
        filled = re.sub(r"\$\{(\w+):-(.*?)\}", lambda found: IN_A_CONTAINER.get(found[1], found[2]), command)
        assert services[name]["command"] == filled.strip(), name


def test_every_queue_has_one_worker_and_imports_have_their_own() -> None:
    """And give way: orders and searches share the cores with them."""
    commands = {name: " ".join(command) for name, command in read_procfile(ROOT / "Procfile").items()}
    listening = {
        name: found[1].split(",") for name, command in commands.items() if (found := re.search(r"-Q (\S+)", command))
    }
    assert sorted(queue for queues in listening.values() for queue in queues) == sorted(QUEUES)
    [imports] = [name for name, queues in listening.items() if "imports" in queues]
    assert not {"accounts", "mail", "orders", "webhooks"} & set(listening[imports])
    assert "exec nice -n 10 celery " in commands[imports]


def test_the_image_holds_neither_secrets_nor_data() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".git", "instance", ".venv"} <= set(ignored)
