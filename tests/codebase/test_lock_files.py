"""The lock files install the same tomorrow: nothing in them is left for pip to choose."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dev.checks import ROOT

LOCK_FILES = ("run.txt", "dev.txt")


def locked(name: str) -> dict[str, set[str]]:
    """Each package of a lock file, and the extras that its pin names."""
    text = (ROOT / "requirements" / name).read_text()
    pins = re.findall(r"^([\w.-]+==[^ ]+|[\w.-]+\[[\w,-]+\]==[^ ]+)", text, re.MULTILINE)
    requirements = [Requirement(pin) for pin in pins]
    return {canonicalize_name(each.name): each.extras for each in requirements}


def wanted_extras(package: str) -> Iterator[Requirement]:
    try:
        stated = requires(package) or []
    except PackageNotFoundError:  # for another platform
        return
    for text in stated:
        requirement = Requirement(text)
        if requirement.extras and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            yield requirement


@pytest.mark.parametrize("name", LOCK_FILES)
def test_a_package_that_is_wanted_with_extras_is_pinned_with_them(name: str) -> None:
    """An older pip takes `package[extra]` for one more package, unpinned, and refuses once a newer version is out."""
    pins = locked(name)
    missing = [
        f"{package} wants {each}"
        for package in pins
        for each in wanted_extras(package)
        if not each.extras <= pins[canonicalize_name(each.name)]
    ]

    assert len(pins) > 50
    assert missing == []


@pytest.mark.parametrize("name", LOCK_FILES)
def test_a_lock_file_names_no_registry(name: str) -> None:
    assert "://" not in (ROOT / "requirements" / name).read_text()
