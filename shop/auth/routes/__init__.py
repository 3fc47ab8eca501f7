"""The API of accounts: one blueprint, a module of routes for each topic."""

from shop.auth.routes import accounts, api_keys, passwords, profile, totp
from shop.auth.routes.blueprint import MAIL_SENT, blueprint
from shop.auth.throttling import per_account, per_guesser, per_log_in

__all__ = [
    "MAIL_SENT",
    "accounts",
    "api_keys",
    "blueprint",
    "passwords",
    "per_account",
    "per_guesser",
    "per_log_in",
    "profile",
    "totp",
]
