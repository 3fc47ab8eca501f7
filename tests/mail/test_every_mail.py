"""Every kind of mail, made of real facts, in both languages, as text and as HTML."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from shop import subscribers as _declares_all  # noqa: F401 - kinds of mail and tasks
from shop.auth.models import User
from shop.companies.invitations import invite_member
from shop.database import now, session
from shop.mail.content import compose
from shop.mail.kinds import KINDS, facts_of
from shop.mail.models import MailMessage
from shop.orders.models import Invoice
from shop.orders.parts.lifecycle import fulfill_order
from shop.orders.parts.shipment import send_part
from shop.orders.parts.short_delivery import Cut
from shop.orders.queries import find_part
from shop.price_lists.models import PriceList
from tests.factories.auth import make_company, make_user
from tests.factories.orders import make_order

TO = "anna@chain.example"
WITH_LINK = {"confirm_email", "reset_password", "confirm_email_change", "invitation"}
FACTS: dict[str, Callable[[dict[str, int]], dict[str, Any]]] = {
    **dict.fromkeys(KINDS, lambda ids: {"user_id": ids["user"]}),
    "security_notice": lambda ids: {"user_id": ids["user"], "what": "api_key_created", "subject": "ERP"},
    "invitation": lambda ids: {"invitation_id": ids["invitation"], "company_id": ids["company"]},
    "company_moved": lambda ids: {"company_id": ids["company"], "status": "active"},
    "provider_linked": lambda ids: {"user_id": ids["user"], "provider": "google"},
    "provider_unlinked": lambda ids: {"user_id": ids["user"], "provider": "google"},
    "price_list_held": lambda ids: {"price_list_id": ids["price_list"]},
    "price_list_failed": lambda ids: {"price_list_id": ids["price_list"]},
    "order_placed": lambda ids: {"order_id": ids["order"]},
    "order_received": lambda ids: {"supplier_order_id": ids["part"]},
    "invoice": lambda ids: {"invoice_id": ids["invoice"]},
    "correction": lambda ids: {"invoice_id": ids["correction"]},
    "webhook_switched_off": lambda ids: {"webhook_id": 1, "host": "receiver.example", "reason": "gone"},
    "part_moved": lambda ids: {"supplier_order_id": ids["part"], "to_state": "sent"},
}


@pytest.fixture
def ids(edge) -> dict[str, int]:
    """One of everything that mails are about."""
    company = make_company()
    user, manager = make_user(company=company, email=TO, pending_email=TO), make_user("manager")
    order = make_order(buyer=user)
    with edge() as current:
        by, owner = current.merge(manager), current.get_one(User, user.id)
        fulfill_order(order.id, by=by)
        part = find_part(order.parts[0].id, by=by)
        send_part(part.id, by=by, cuts={part.lines[0].id: Cut(Decimal(1), "бой")})
        invitation = invite_member("x@chain.example", lifetime=timedelta(hours=1), locale="ru", by=owner)
        price_list = PriceList(
            supplier_id=order.parts[0].supplier_id,
            source="upload",
            mode="full",
            file_name="list.yaml",
            sha256=b"x",
            raw=b"x",
            state="held",
        )
        current.add(price_list)
        current.flush()
        return {
            "user": user.id,
            "company": company.id,
            "invitation": invitation.id,
            "price_list": price_list.id,
            "order": order.id,
            "part": part.id,
            **{document.kind: document.id for document in session().scalars(select(Invoice))},
        }


@pytest.mark.parametrize("locale", ["ru", "en"])
def test_every_kind_is_written_in_both_languages_as_text_and_html(edge, ids, settings, locale: str) -> None:
    for kind in KINDS:
        mail = MailMessage(
            kind=kind, locale=locale, recipient=TO, context=FACTS[kind](ids), created_at=now(), message_id="<1@shop>"
        )
        with edge():
            message = compose(mail, facts_of(mail, settings), settings)
        text, html = (message.get_body((part,)).get_content() for part in ("plain", "html"))
        assert len(message["Subject"]) > 5, kind
        assert text.startswith({"ru": "Здравствуйте!\n", "en": "Hello,\n"}[locale]), kind
        assert f'<html lang="{locale}">' in html, kind
        assert message["Subject"].replace("&", "&amp;") in html, kind
        assert "{{" not in text + html, kind
        links = [line for line in text.splitlines() if "token=" in line]
        assert len(links) == (kind in WITH_LINK), kind
        assert all(f'<a href="{link}">' in html for link in links), kind
