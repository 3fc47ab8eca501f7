"""A supplier's own terms: those of trade, and how its lists are taken. On the blueprint of the catalog."""

from typing import Any

from shop.auth.access import current_company, current_user, only
from shop.auth.models import SUPPLIER, Company
from shop.catalog.routes import blueprint
from shop.companies.schemas import OwnSupplierSchema
from shop.database import transaction
from shop.price_lists import import_terms
from shop.price_lists.schemas import ChangeTermsSchema


@blueprint.route("/supplier")
@only(SUPPLIER, scope="supplier:read")
@blueprint.response(200, OwnSupplierSchema)
def show_terms() -> Company:
    """Your own terms as a supplier

    What buyers see, and what only you do: how your lists are read, and what your stock means.
    """
    return current_company()


@blueprint.route("/supplier", methods=["PATCH"])
@only(SUPPLIER, scope="supplier:write")
@blueprint.arguments(ChangeTermsSchema)
@blueprint.response(200, OwnSupplierSchema)
def change_terms(terms: dict[str, Any]) -> Company:
    """Change your own terms

    Also switches taking orders on and off. What you leave out stays as it is.
    """
    with transaction():
        return import_terms.change_supplier(current_company(), terms=terms, by=current_user())
