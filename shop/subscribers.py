"""Whoever reacts to events, and whoever looks up what mails say: importing these modules registers both."""

# ruff: noqa: F401 - imported for what they register

import shop.auth.mails
import shop.auth.social.mails
import shop.auth.tasks
import shop.companies.mails
import shop.companies.tasks
import shop.mail.tasks
import shop.orders.mails
import shop.orders.tasks
import shop.price_lists.mails
import shop.price_lists.tasks
import shop.webhooks.mails
import shop.webhooks.tasks
