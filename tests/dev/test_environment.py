"""The environment in the checkout: built once, built again when it has to be, and clear words when it cannot."""

import ast
import importlib.util
import platform
from pathlib import Path

import pytest

from dev import environment

NOTHING = "# no packages\n"
UNKNOWN = "there-is-no-such-package==1.0\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "requirements").mkdir()
    for name in ("run.txt", "dev.txt"):
        (tmp_path / "requirements" / name).write_text(NOTHING)
    return tmp_path


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders that were made as new environments; they hold no pip, which costs seconds."""
    folders: list[Path] = []

    def create(venv: Path) -> None:
        folders.append(venv)
        (venv / "bin").mkdir(parents=True, exist_ok=True)
        (venv / "bin/python").write_text("#!/bin/sh\nexit ${PIP_STATUS:-0}\n")
        (venv / "bin/python").chmod(0o755)

    monkeypatch.setattr(environment, "_create", create)
    return folders


def test_builds_and_says_pips_words_when_it_fails(root: Path) -> None:
    (root / "requirements/dev.txt").write_text(UNKNOWN)

    assert environment.build(root, "run") is True
    with pytest.raises(environment.Refusal, match=r"(?s)there-is-no-such-package.*pip could not install"):
        environment.build(root, "dev")
    assert (root / ".venv/bin/pip").exists()


def test_is_built_once(root: Path, made: list[Path]) -> None:
    assert environment.build(root, "run") is True
    assert environment.build(root, "run") is False
    assert len(made) == 1


def test_dev_adds_to_run_and_serves_it(root: Path, made: list[Path]) -> None:
    environment.build(root, "run")
    assert environment.build(root, "dev") is True
    assert environment.build(root, "run") is False
    assert len(made) == 1


def test_a_changed_lock_file_makes_it_anew(root: Path, made: list[Path]) -> None:
    environment.build(root, "run")
    (root / "requirements/run.txt").write_text(NOTHING + "# changed\n")

    assert environment.build(root, "run") is True
    assert len(made) == 2


def test_a_broken_off_installation_is_made_anew(root: Path, made: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_STATUS", "1")
    with pytest.raises(environment.Refusal):
        environment.build(root, "run")
    monkeypatch.delenv("PIP_STATUS")

    assert environment.build(root, "run") is True
    assert len(made) == 2


def test_a_moved_checkout_gets_a_new_one(root: Path, made: list[Path]) -> None:
    environment.build(root, "run")
    moved = root.rename(root.with_name("moved"))

    assert environment.build(moved, "run") is True


def test_says_what_to_install_when_venv_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())

    with pytest.raises(environment.Refusal, match="apt install python3-venv"):
        environment.refuse_without_venv()


def test_an_unsupported_platform_works_with_servers_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(environment.Refusal, match="DATABASE_URL and REDIS_URL"):
        environment.refuse_unsupported_platform("run")

    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    environment.refuse_unsupported_platform("run")


def test_an_old_python_can_read_far_enough_to_refuse() -> None:
    ast.parse(Path(environment.__file__).read_text(), feature_version=(3, 7))


def test_refuses_unknown_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert environment.main(["everything"]) == 2
    assert "usage" in capsys.readouterr().out
