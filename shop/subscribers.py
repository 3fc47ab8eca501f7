"""Which tasks react to which event, and who knows what each kind of mail says: the whole lists."""

from collections.abc import Sequence

from celery import Task
from flask import Flask

from shop.auth import mails as account_mails
from shop.auth import tasks as auth
from shop.auth.events import ConfirmationRequested, RegistrationRepeated, UserRegistered
from shop.catalog.events import PriceListReceived
from shop.catalog.price_lists import tasks as price_lists
from shop.mail import tasks as mail
from shop.mail.content import LookUps
from shop.mail.queue import MailQueued
from shop.orders import mails as order_mails
from shop.orders import tasks as orders
from shop.orders.events import OrderPlaced, PartConfirmed, PartMoved
from shop.outbox.events import Event

SUBSCRIBERS: dict[type[Event], Sequence[Task]] = {
    UserRegistered: [auth.mail_confirmation],
    ConfirmationRequested: [auth.mail_confirmation_again],
    RegistrationRepeated: [auth.mail_already_registered],
    PriceListReceived: [price_lists.import_price_list],
    OrderPlaced: [orders.announce_order],
    PartConfirmed: [orders.send_invoice],
    PartMoved: [orders.announce_move],
    MailQueued: [mail.deliver],
}

MAILS: LookUps = {
    "confirm_email": account_mails.confirm_email,
    "already_registered": account_mails.already_registered,
    "order_placed": order_mails.order_placed,
    "order_received": order_mails.order_received,
    "invoice": order_mails.invoice,
    "part_moved": order_mails.part_moved,
}


def init_app(app: Flask) -> None:
    app.extensions["subscribers"] = {event.type: tasks for event, tasks in SUBSCRIBERS.items()}
    app.extensions["mail_look_ups"] = MAILS
