"""`flask users …`: managers, and the approval of suppliers."""

import sys

import click
from flask.cli import AppGroup

from shop.auth import accounts, profile, second_factor
from shop.auth.email_addresses import user_with_email
from shop.auth.models import ACTIVE, BLOCKED, PENDING, User
from shop.cli.terminal import says_no
from shop.companies import approval as companies
from shop.companies import legal_entities, members
from shop.database import session, transaction
from shop.errors import NotFound

users = AppGroup("users", help="People and their companies.")


@users.command()
@click.option("--email", required=True)
@click.option("--first-name", required=True)
@click.option("--last-name", required=True)
@click.option("--locale", type=click.Choice(["ru", "en"]), default="ru", show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@says_no
def create_manager(email: str, first_name: str, last_name: str, locale: str, password_stdin: bool) -> None:
    """Create a manager. The password is never an argument: those can be read by everybody on the machine."""
    password = _password(from_stdin=password_stdin)
    with transaction():
        user = accounts.create_manager(
            email, password=password, first_name=first_name, last_name=last_name, locale=locale
        )
    click.echo(f"Manager {user.id} created: {user.email}")


@users.command()
@click.option("--status", type=click.Choice([PENDING, ACTIVE, BLOCKED]))
@says_no
def list_companies(status: str | None) -> None:
    """List companies: id, kind, status, name, and what keeps a pending one from being approved."""
    with transaction():
        for company in companies.companies(status=status):
            missing = legal_entities.missing_details(next(iter(company.legal_entities), None))
            lacks = f"\tlacks {', '.join(missing)}" if missing and company.status == PENDING else ""
            click.echo(f"{company.id}\t{company.kind}\t{company.status}\t{company.name}{lacks}")


@users.command()
@click.argument("company_id", type=int)
@click.option("--full-name")
@click.option("--short-name")
@click.option("--inn")
@click.option("--kpp")
@click.option("--ogrn")
@click.option("--legal-address")
@click.option("--bank-name")
@click.option("--bank-bik")
@click.option("--bank-account")
@click.option("--correspondent-account")
@click.option("--default-vat-rate", help="22, 10, 7, 5, 0 or none.")
@click.option("--vat-deducted/--no-vat-deducted", default=None, help="Whether a buyer gets back the VAT it pays.")
@click.option("--time-zone", help="Like Europe/Moscow.")
@click.option("--document-prefix", help="2 to 4 capital letters before the numbers of its documents.")
@says_no
def describe_company(company_id: int, vat_deducted: bool | None, **details: str | None) -> None:
    """Set details of a company's legal entity; what is not given stays as it is."""
    given = {name: value for name, value in details.items() if value is not None}
    with transaction():
        company = companies.find_company(company_id, lock=True)
        entity = legal_entities.describe_legal_entity(company, by=None, vat_deducted=vat_deducted, **given)
        missing = legal_entities.missing_details(entity)
    click.echo(f"Still missing: {', '.join(missing)}" if missing else "Complete.")


@users.command()
@click.argument("company_id", type=int)
@says_no
def approve_company(company_id: int) -> None:
    """Let a pending supplier trade."""
    with transaction():
        company = companies.find_company(company_id, lock=True)
        companies.approve(company, by=None)
    click.echo(f"Company {company.id} is active: {company.name}")


@users.command()
@click.argument("company_id", type=int)
@click.option("--reason", required=True, help="Kept, and mailed to the company's owner.")
@says_no
def block_company(company_id: int, reason: str) -> None:
    """Close the doors to a company with the next request."""
    with transaction():
        company = companies.find_company(company_id, lock=True)
        companies.block(company, by=None, reason=reason)
    click.echo(f"Company {company.id} is blocked: {company.name}")


@users.command()
@click.argument("company_id", type=int)
@says_no
def unblock_company(company_id: int) -> None:
    """Open them again; an incomplete supplier comes back as pending."""
    with transaction():
        company = companies.find_company(company_id, lock=True)
        companies.unblock(company, by=None)
    click.echo(f"Company {company.id} is {company.status}: {company.name}")


@users.command()
@click.argument("email")
@says_no
def make_owner(email: str) -> None:
    """Make somebody the owner of the company, where the present one cannot hand it over."""
    with transaction():
        user = members.make_owner(_user(email))
    click.echo(f"User {user.id} owns company {user.company_id}.")


@users.command()
@click.argument("email")
@says_no
def remove_second_factor(email: str) -> None:
    """Let somebody in who has lost the authenticator app and the recovery codes. Make sure who is asking."""
    with transaction():
        second_factor.remove_second_factor(_user(email))
    click.echo("The second factor is off.")


@users.command()
@click.argument("account", metavar="ID|E-MAIL")
@click.argument("email", metavar="NEW")
@says_no
def change_email(account: str, email: str) -> None:
    """Give an account to another mailbox: to an owner who lost it to somebody else. Make sure who is asking.

    Nothing opens the account any more but a new password, which the owner asks for by mail.
    """
    with transaction():
        user = session().get(User, int(account)) if account.isdecimal() else user_with_email(account)
        profile.give_account_back(_found(user, account), email)
    click.echo(f"The account is that of {email} now. Its owner sets a new password by mail: a reset to that address.")


def _user(email: str) -> User:
    return _found(user_with_email(email), email)


def _found(user: User | None, named: str) -> User:
    if user is None:
        raise NotFound(f"There is no account {named}.")
    return user


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
