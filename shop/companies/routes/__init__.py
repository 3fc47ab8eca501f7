"""The API of companies: on the blueprint of accounts, a module of routes for each topic."""

from shop.companies.routes import companies, contacts, members

__all__ = ["companies", "contacts", "members"]
