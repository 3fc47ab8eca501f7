"""`flask openapi …`: the API's document as a file, for those who generate clients and review changes."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from shop.http.openapi import document_text

openapi = AppGroup("openapi", help="The OpenAPI document.")


@openapi.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), default=Path("docs/openapi.json"))
def write(path: Path) -> None:
    """Write it to PATH, sorted, so that a diff shows what changed. Note the change in docs/api-changelog.md."""
    path.write_text(document_text(current_app), encoding="utf-8")
