"""`flask outbox relay`: the process that turns events into tasks."""

from flask import current_app
from flask.cli import AppGroup

from shop.outbox import relay as relays

outbox = AppGroup("outbox", help="The events on their way to the workers.")


@outbox.command()
def relay() -> None:
    """Send events to the workers until stopped; several relays may run at once."""
    extensions = current_app.extensions
    relays.run(extensions["celery"], extensions["subscribers"], extensions["settings"])
