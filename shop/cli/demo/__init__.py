"""`flask demo-data load`: companies, people, price lists and orders to look around with."""

import click
from flask.cli import AppGroup

from shop.cli.demo.loading import is_loaded, load_demo_data
from shop.config import current_settings
from shop.database import session

demo_data = AppGroup("demo-data", help="Invented companies, price lists and orders to look around with.")


@demo_data.command()
def load() -> None:
    """Load the demo data; once loaded, it changes nothing."""
    settings = current_settings()
    if settings.app_env == "production":
        raise click.ClickException("Demo accounts have a published password: not in production.")
    if is_loaded():
        click.echo("The demo data are there already.")
        return
    session().rollback()
    load_demo_data(settings, say=click.echo)
