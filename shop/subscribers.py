"""Which tasks react to which event, and who knows what each kind of mail says: the whole lists."""

from collections.abc import Sequence

from celery import Task
from flask import Flask

from shop.auth import mails as account_mails
from shop.auth import tasks as auth
from shop.auth.events import (
    ConfirmationRequested,
    EmailChanged,
    EmailChangeRequested,
    PasswordResetRequested,
    RegistrationRepeated,
    SecurityChanged,
    UserRegistered,
)
from shop.auth.social import mails as social_mails
from shop.auth.social.identities import ProviderLinked, ProviderUnlinked
from shop.catalog.events import (
    PriceListApplied,
    PriceListApproved,
    PriceListFailed,
    PriceListHeld,
    PriceListReceived,
    VatTermsChanged,
)
from shop.companies import mails as company_mails
from shop.companies import tasks as companies
from shop.companies.events import CompanyMoved, MemberInvited
from shop.mail import tasks as mail
from shop.mail.content import LookUps
from shop.mail.queue import MailQueued, MailsQueued
from shop.orders import mails as order_mails
from shop.orders import tasks as orders
from shop.orders.events import OrderPlaced, PartConfirmed, PartCorrected, PartMoved
from shop.outbox.events import Event
from shop.price_lists import mails as price_list_mails
from shop.price_lists import tasks as price_lists
from shop.webhooks import mails as webhook_mails
from shop.webhooks import tasks as webhooks
from shop.webhooks.events import DeliveryDue, WebhookSwitchedOff

SUBSCRIBERS: dict[type[Event], Sequence[Task]] = {
    UserRegistered: [auth.mail_confirmation],
    ConfirmationRequested: [auth.mail_confirmation_again],
    RegistrationRepeated: [auth.mail_already_registered],
    PasswordResetRequested: [auth.mail_password_reset],
    EmailChangeRequested: [auth.mail_email_change],
    EmailChanged: [auth.mail_email_changed],
    SecurityChanged: [auth.mail_security_notice],
    MemberInvited: [companies.mail_invitation],
    CompanyMoved: [companies.mail_company_moved],
    ProviderLinked: [social_mails.mail_provider_linked],
    ProviderUnlinked: [social_mails.mail_provider_unlinked],
    PriceListReceived: [price_lists.import_price_list],
    PriceListApproved: [price_lists.apply_decisions],
    PriceListApplied: [price_lists.notify_applied],
    PriceListHeld: [price_lists.mail_held_price_list, price_lists.notify_held],
    PriceListFailed: [price_lists.mail_failed_price_list, price_lists.notify_failed],
    VatTermsChanged: [price_lists.follow_vat_terms],
    OrderPlaced: [orders.announce_order, orders.notify_placed],
    PartConfirmed: [orders.send_invoice, orders.notify_confirmed],
    PartCorrected: [orders.send_correction, orders.notify_corrected],
    PartMoved: [orders.announce_move, orders.notify_moved],
    DeliveryDue: [webhooks.deliver],
    WebhookSwitchedOff: [webhooks.mail_switched_off],
    MailQueued: [mail.deliver],
    MailsQueued: [mail.deliver_all],
}

MAILS: LookUps = {
    "confirm_email": account_mails.confirm_email,
    "already_registered": account_mails.notice,
    "reset_password": account_mails.reset_password,
    "register_again": account_mails.notice,
    "confirm_email_change": account_mails.confirm_email_change,
    "email_change_notice": account_mails.notice,
    "email_changed": account_mails.notice,
    "security_notice": account_mails.security_notice,
    "invitation": company_mails.invitation,
    "company_moved": company_mails.company_moved,
    "provider_linked": social_mails.provider_facts,
    "provider_unlinked": social_mails.provider_facts,
    "price_list_held": price_list_mails.price_list,
    "price_list_failed": price_list_mails.price_list,
    "order_placed": order_mails.order_placed,
    "order_received": order_mails.order_received,
    "invoice": order_mails.invoice,
    "correction": order_mails.correction,
    "part_moved": order_mails.part_moved,
    "webhook_switched_off": webhook_mails.webhook_switched_off,
}


def init_app(app: Flask) -> None:
    app.extensions["subscribers"] = {event.type: tasks for event, tasks in SUBSCRIBERS.items()}
    app.extensions["mail_look_ups"] = MAILS
