"""`flask mail status|resend`: how the mails stand, and another try for those that were parked."""

import click
from flask.cli import AppGroup

from shop.cli.terminal import figures, says_no, shortened, terminal
from shop.database import transaction
from shop.mail.models import PARKED
from shop.mail.resend import find_mail, resend_mail, resend_parked
from shop.mail.status import mail_status, parked_mails

SHOWN = 20

mail = AppGroup("mail", help="The log of mails.")


@mail.command()
def status() -> None:
    """What waits, what left in the last 24 hours, and what was parked with the reason."""
    with transaction():
        kinds, parked = mail_status(), parked_mails(limit=SHOWN)
    console = terminal()
    if not kinds:
        console.print("No mail waits, and none left in the last 24 hours.")
        return
    console.print(
        figures(
            ("Mail", "waiting", PARKED, "sent in 24 h"),
            [(each.kind, each.queued, each.parked, each.sent_lately) for each in kinds],
        )
    )
    for each in parked:
        console.print(f"\nParked: mail {each.id}, {each.kind} to {each.recipient}, {each.attempts} attempts")
        console.print(f"  {shortened(each.last_error or '')}")
    if hidden := sum(each.parked for each in kinds) - len(parked):
        console.print(f"\n… and {hidden} more.")
    if parked:
        console.print("\nOnce the cause is gone: flask mail resend --parked, or flask mail resend ID.")


@mail.command()
@click.argument("mail_id", type=int, required=False)
@click.option("--parked", is_flag=True, help="All that were parked.")
@says_no
def resend(mail_id: int | None, parked: bool) -> None:
    """Send a mail of the log again, under the same Message-ID."""
    if (mail_id is None) is not parked:
        raise click.UsageError("Say which: the ID of a mail, or --parked.")
    resent = _resend_parked() if mail_id is None else _resend(mail_id)
    click.echo(f"Mails queued again: {resent}.")


def _resend(mail_id: int) -> int:
    with transaction():
        resend_mail(find_mail(mail_id), by=None)
    return 1


def _resend_parked() -> int:
    """In transactions of some hundred each: a day without a mail server leaves many."""
    resent = 0
    while True:
        with transaction():
            done = resend_parked(by=None)
        if not done:
            return resent
        resent += done
