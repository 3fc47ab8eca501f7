"""`flask outbox relay|status|replay`: the process that turns events into tasks, how it stands, and another try."""

from datetime import timedelta

import click
from flask import current_app
from flask.cli import AppGroup

from shop.cli.terminal import ago, figures, says_no, shortened, terminal
from shop.database import now, transaction
from shop.outbox import relay as relays
from shop.outbox.handler import subscribers
from shop.outbox.replay import replay_event, replay_parked
from shop.outbox.status import outbox_status, parked_events

SHOWN = 20
BEHIND = timedelta(minutes=1)

outbox = AppGroup("outbox", help="The events on their way to the workers.")


@outbox.command()
def relay() -> None:
    """Send events to the workers until stopped; several relays may run at once."""
    extensions = current_app.extensions
    relays.run(extensions["celery"], subscribers(), extensions["settings"])


@outbox.command()
def status() -> None:
    """What waits, how far behind the relay is, and what was parked with the reason."""
    with transaction():
        found, parked = outbox_status(), parked_events(limit=SHOWN)
    console = terminal()
    if not found.kinds:
        console.print("Nothing waits: every event is handled.")
        return
    rows = [(each.type, each.open, each.due, each.parked, ago(now() - each.oldest)) for each in found.kinds]
    console.print(figures(("Event", "open", "due", "parked", "oldest"), rows))
    late = found.lag > BEHIND
    console.print(f"The relay is {ago(found.lag)} behind." + (" Does it run, and does the broker answer?" * late))
    for event in parked:
        console.print(f"\nParked: event {event.id}, {event.type} {event.payload}, for {', '.join(event.pending or ())}")
        console.print(f"  {shortened(event.last_error or 'no reason was noted: the worker died each time')}")
    if hidden := found.parked - len(parked):
        console.print(f"\n… and {hidden} more.")
    if parked:
        console.print("\nOnce the cause is gone: flask outbox replay --parked, or --event ID for one of them.")


@outbox.command()
@click.option("--event", "event_id", type=int, help="This one, parked or waiting for its next try.")
@click.option("--parked", is_flag=True, help="All that were parked.")
@says_no
def replay(event_id: int | None, parked: bool) -> None:
    """Send events again at once, as if they were new."""
    if (event_id is None) is not parked:
        raise click.UsageError("Say which: --event ID, or --parked.")
    with transaction():
        if event_id is None:
            replayed = replay_parked()
        else:
            replayed = 1
            replay_event(event_id)
    click.echo(f"Events sent again now: {replayed}.")
