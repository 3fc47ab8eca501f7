"""Commands for operators: thin, calling the same stories as the API."""

from flask import Flask

from shop.cli.demo import demo_data
from shop.cli.mail import mail
from shop.cli.openapi import openapi
from shop.cli.outbox import outbox
from shop.cli.price_lists import price_lists
from shop.cli.users import users


def init_app(app: Flask) -> None:
    for group in (users, price_lists, outbox, mail, openapi, demo_data):
        app.cli.add_command(group)
