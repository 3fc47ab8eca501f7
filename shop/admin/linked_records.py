"""What the ids in mails, webhooks and events name: people's word for the thing, its name, and its page."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import url_for
from markupsafe import Markup

from shop.admin.audit_trail import name_of
from shop.admin.formats import link
from shop.auth.models import Company, User
from shop.database import session
from shop.mail.models import MailMessage
from shop.orders.models import Invoice, Order, SupplierOrder
from shop.price_lists.models import PriceList
from shop.translations import t
from shop.webhooks.models import WebhookDelivery

# By the name of the id: its model, and the page that shows it.
THINGS: Mapping[str, tuple[Any, Callable[[int], str]]] = {
    "order_id": (Order, lambda id_: url_for("admin_orders.page", id_=id_)),
    "supplier_order_id": (SupplierOrder, lambda id_: url_for("admin_orders.of_part", part_id=id_)),
    "invoice_id": (Invoice, lambda id_: url_for("admin_orders.invoice", invoice_id=id_)),
    "price_list_id": (PriceList, lambda id_: url_for("admin_price_lists.page", id_=id_)),
    "user_id": (User, lambda id_: url_for("admin_users.page", id_=id_)),
    "company_id": (Company, lambda id_: url_for("admin_companies.page", id_=id_)),
    "mail_id": (MailMessage, lambda id_: url_for("admin_mails.page", id_=id_)),
    "delivery_id": (WebhookDelivery, lambda id_: url_for("admin_deliveries.page", id_=id_)),
}


def named(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Word and name, as a link where there is a page; for the page of one thing, as each name is looked up."""
    for name, value in facts.items():
        yield word(name), _named(name, value)


def numbered(facts: Mapping[str, Any]) -> Markup:
    """The same for lists: with the ids instead of names, which cost nothing."""
    return Markup(", ").join(Markup("{} {}").format(word(name), _linked(name, value)) for name, value in _single(facts))


def _single(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Of mail_ids each mail_id."""
    for name, value in facts.items():
        if name.endswith("_ids") and isinstance(value, list):
            yield from ((name.removesuffix("s"), each) for each in value)
        else:
            yield name, value


def word(name: str) -> str:
    """price_list_id is that of a price list."""
    return t(f"field|{name}").removesuffix("_id").replace("_", " ")


def _named(name: str, value: Any) -> Any:
    if name in THINGS and isinstance(value, int) and (found := session().get(THINGS[name][0], value)):
        return link(THINGS[name][1](value), name_of(found))
    return value


def _linked(name: str, value: Any) -> Any:
    return link(THINGS[name][1](value), value) if name in THINGS and isinstance(value, int) else value
