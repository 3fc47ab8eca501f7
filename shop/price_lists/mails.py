"""Mails to a supplier about its lists; what they say is looked up when they are delivered."""

from sqlalchemy import select

from shop.auth.models import Company, User
from shop.config import Settings
from shop.database import session
from shop.mail.content import Facts
from shop.mail.kinds import mail_kind
from shop.mail.models import MailMessage
from shop.mail.queue import queue_mail
from shop.price_lists.models import PriceList
from shop.price_lists.reasons import explain

HELD, FAILED = "price_list_held", "price_list_failed"


def mail_supplier(kind: str, price_list_id: int, *, event_id: int, settings: Settings) -> None:
    """To everybody who can log in at the supplier."""
    price_list = session().get_one(PriceList, price_list_id)
    people = select(User).where(User.company_id == price_list.supplier_id, User.may_log_in)
    for user in session().scalars(people.order_by(User.id)):
        queue_mail(
            kind,
            to=user.email,
            locale=user.locale,
            event_id=event_id,
            domain=settings.mail_domain,
            price_list_id=price_list.id,
        )


@mail_kind(HELD)
@mail_kind(FAILED)
def price_list(mail: MailMessage, settings: Settings) -> Facts:
    found = session().get_one(PriceList, mail.context["price_list_id"])
    supplier = session().get_one(Company, found.supplier_id)
    address = f"{settings.base_url.rstrip('/')}/api/v1/catalog/price-lists/{found.id}"
    why = " ".join(explain(found, mail.locale))
    return Facts({"price_list": found, "supplier": supplier.name, "address": address, "why": why})
