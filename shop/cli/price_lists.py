"""`flask price-lists import FILE --supplier …`: a list from this machine, imported here and now."""

from collections.abc import Sequence
from pathlib import Path

import click
from flask.cli import AppGroup
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import select

from shop.auth.models import SUPPLIER, Company
from shop.cli.terminal import quiet_log
from shop.config import current_settings
from shop.database import session, transaction
from shop.errors import Refusal
from shop.price_lists.arriving.receipt import receive_price_list
from shop.price_lists.imports.pipeline import import_price_list
from shop.price_lists.models import FAILED, MODES, UNFINISHED_STATES, PriceList
from shop.spreadsheets.headings import FIELDS, HEADINGS, IGNORED

price_lists = AppGroup("price-lists", help="Suppliers' price lists.")


@price_lists.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--supplier", required=True, help="Id or name of the supplier.")
@click.option("--mode", type=click.Choice(MODES), help="What becomes of goods that the list does not name.")
@click.option(
    "--column", "columns", multiple=True, metavar="NAME=FIELD", help="What a column means: «€ без ПДВ=price»."
)
@click.option("--headings", type=click.Choice(HEADINGS), help="What titles between the rows are.")
@click.option("--dry-run", is_flag=True, help="Only show what the list would do.")
def import_file(
    file: Path, supplier: str, mode: str | None, columns: Sequence[str], headings: str | None, dry_run: bool
) -> None:
    """Import a price list for a supplier. Guards hold it as they would one from the supplier.

    Mode, columns and headings are as the last time, if left out.
    """
    layout = {"columns": dict(map(_meaning, columns)) or None, "headings": headings}
    try:
        with transaction():
            company = _supplier(supplier)
            price_list = receive_price_list(
                company,
                file_name=file.name,
                raw=file.read_bytes(),
                mode=mode,
                layout=layout,
                dry_run=dry_run,
                source="cli",
                by=None,
            )
        _import(price_list.id)
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from None
    _report(price_list.id)


def _meaning(column: str) -> tuple[str, str]:
    name, _, field = column.rpartition("=")
    if not name or field not in (*FIELDS, IGNORED):
        raise click.BadParameter(f"{column}: it must be NAME=FIELD, with one of {', '.join((*FIELDS, IGNORED))}.")
    return name, field


def _supplier(wanted: str) -> Company:
    suppliers = select(Company).where(Company.kind == SUPPLIER)
    condition = Company.id == int(wanted) if wanted.isascii() and wanted.isdigit() else Company.name == wanted
    found = session().scalars(suppliers.where(condition)).all()
    if len(found) != 1:
        raise click.ClickException(f"{'No' if not found else 'More than one'} supplier is called {wanted}.")
    return found[0]


def _import(price_list_id: int) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with quiet_log(), Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("Goods read", total=None)
        import_price_list(
            price_list_id,
            current_settings(),
            progress=lambda done, expected: progress.update(task, completed=done, total=expected),
        )


def _report(price_list_id: int) -> None:
    with transaction():
        done = session().get_one(PriceList, price_list_id, populate_existing=True)
    if done.state == FAILED:
        raise click.ClickException(done.message or "The list could not be imported.")
    if done.state in UNFINISHED_STATES:
        click.echo(f"Price list {done.id} waits for another list of the supplier; a worker will import it.")
        return
    click.echo(
        f"Price list {done.id} is {done.state}: {done.offers_new} new, {done.offers_changed} changed, "
        f"{done.offers_withdrawn} withdrawn, {done.offers_quarantined} in question, "
        f"{done.offers_unchanged} unchanged, {done.rows_rejected} rows refused."
    )
    if done.message:
        click.echo(done.message)
