"""Which VAT rate counts: the one that the list states, else the seller's own; neither known, nobody may guess."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, literal_column, select

from shop.auth.models import Company
from shop.database import session


def effective_vat_rate(stated: str | None, default: str | None) -> str | None:
    return default if stated is None else stated


def sql_default_vat_rate(company: str) -> str:
    """That of the first legal entity, which signs the documents, in SQL; the function `vat_terms` says the same.

    `company` is the seller's id.
    """
    return (
        "(SELECT legal_entities.default_vat_rate FROM legal_entities"  # noqa: S608 - of our own words only
        f" WHERE legal_entities.company_id = {company} ORDER BY legal_entities.id LIMIT 1)"
    )


def default_vat_rates(company_ids: Iterable[int]) -> dict[int, str | None]:
    """By company."""
    rate: ColumnElement[str | None] = literal_column(sql_default_vat_rate("companies.id"))
    statement = select(Company.id, rate).where(Company.id.in_(set(company_ids)))
    return dict(session().execute(statement).all())
