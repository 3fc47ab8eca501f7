"""The page behind the link of an invitation."""

from flask import Response, request

from shop.auth.access import public
from shop.auth.accounts import EmailTaken
from shop.auth.pages import Reader, blueprint, link_key, link_token, show_page, typed_password
from shop.auth.passwords import PasswordTooWeak
from shop.companies import invitations
from shop.database import transaction
from shop.errors import Invalid

JOINING = ("first_name", "last_name", "password")
MAX_NAME = 100


class Incomplete(Invalid):
    code = "Incomplete"
    message = "Fill in all fields."


@blueprint.get("/accept-invitation")
@public
def ask_to_join() -> Response:
    found = invitations.open_invitation(link_token(), secret_key=link_key(), lifetime=invitations.invitation_lifetime())
    return show_page("accept_invitation", "ask", Reader(found.email, found.locale), fields=JOINING)


@blueprint.post("/accept-invitation")
@public
def accept_invitation() -> Response:
    found = invitations.open_invitation(link_token(), secret_key=link_key(), lifetime=invitations.invitation_lifetime())
    reader = Reader(found.email, found.locale)
    try:
        names = {name: _typed_name(name) for name in ("first_name", "last_name")}
        with transaction():
            invitations.accept_invitation(
                link_token(),
                password=typed_password(),
                position=None,
                locale=None,
                secret_key=link_key(),
                lifetime=invitations.invitation_lifetime(),
                **names,
            )
    except (PasswordTooWeak, EmailTaken, Incomplete) as refusal:
        return show_page("accept_invitation", "ask", reader, fields=JOINING, problem=refusal)
    return show_page("accept_invitation", "done", reader)


def _typed_name(field: str) -> str:
    name = request.form.get(field, "").strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Incomplete
    return name
