"""Your company and its legal entity; for managers, all companies and their approval."""

from typing import Any

import marshmallow as ma

from shop.auth.access import current_company, current_user, only
from shop.auth.models import BUYER, MANAGER, SUPPLIER, Company, LegalEntity
from shop.auth.routes.blueprint import blueprint
from shop.companies import approval as companies
from shop.companies import legal_entities
from shop.companies.schemas import (
    CompaniesArgsSchema,
    DescribeLegalEntitySchema,
    LegalEntitySchema,
    ManagedCompaniesSchema,
    ManagedCompanySchema,
    OptionalReasonSchema,
    OwnCompanySchema,
    ReasonSchema,
    RenameCompanySchema,
)
from shop.database import transaction
from shop.errors import NotFound
from shop.http.blueprint import refuses
from shop.http.pagination import BadCursor, cursor_id, make_cursor, page_of, read_cursor


class LegalEntityNotStated(NotFound):
    code = "LegalEntityNotStated"
    message = "Your company has not stated its legal entity yet. PUT it here."


@blueprint.route("/company", methods=["GET"])
@only(BUYER, SUPPLIER, scope="company:read")
@blueprint.response(200, OwnCompanySchema)
def show_company() -> dict[str, Any]:
    """See your company

    Its name and status, and what its legal entity lacks for documents.
    """
    return _facts(current_company(), legal_entities.legal_entity_of(current_company()))


@blueprint.route("/company", methods=["PATCH"])
@only(BUYER, SUPPLIER, scope="company:write")
@refuses(companies.OwnerOnly)
@blueprint.arguments(RenameCompanySchema)
@blueprint.response(200, OwnCompanySchema)
def rename_company(body: dict[str, Any]) -> dict[str, Any]:
    """Change the name that your company goes by; for its owner

    Orders placed and documents issued keep the name that they have.
    """
    with transaction():
        company = current_company()
        companies.rename_company(company, name=body["name"], by=current_user())
        return _facts(company, legal_entities.legal_entity_of(company))


@blueprint.route("/company/legal-entity", methods=["GET"])
@only(BUYER, SUPPLIER, scope="company:read")
@refuses(LegalEntityNotStated)
@blueprint.response(200, LegalEntitySchema)
def show_legal_entity() -> LegalEntity:
    """See who your company is on documents

    Names, tax numbers, address and bank. 404 `LegalEntityNotStated` until the owner has stated it.
    """
    entity = legal_entities.legal_entity_of(current_company())
    if entity is None:
        raise LegalEntityNotStated
    return entity


@blueprint.route("/company/legal-entity", methods=["PUT"])
@only(BUYER, SUPPLIER, scope="company:write")
@refuses(companies.OwnerOnly, legal_entities.LegalEntityInvalid, legal_entities.DocumentPrefixTaken)
@blueprint.arguments(DescribeLegalEntitySchema)
@blueprint.response(200, LegalEntitySchema)
def describe_legal_entity(body: dict[str, Any]) -> LegalEntity:
    """State who your company is on documents; for its owner

    All of it at once; what is left out is emptied. Numbers are checked by their check digits. Documents issued already
    stay as they are.
    """
    with transaction():
        companies.require_owner(current_user())
        company = companies.find_company(current_company().id, lock=True)
        return legal_entities.describe_legal_entity(company, by=current_user(), **body)


@blueprint.route("/companies", methods=["GET"])
@only(MANAGER, scope="companies:read")
@refuses(BadCursor)
@blueprint.arguments(CompaniesArgsSchema, location="query", unknown=ma.RAISE)
@blueprint.response(200, ManagedCompaniesSchema)
def list_companies(args: dict[str, Any]) -> dict[str, Any]:
    """List companies with their legal entities, by id; for managers

    `status=pending` are those that wait for approval, each with the details that its documents still need.
    """
    [after] = read_cursor(args["cursor"], scope="companies", types=[cursor_id]) or [0]
    found = companies.companies(status=args["status"], kind=args["kind"], after=after, limit=args["limit"] + 1)
    page, cursor = page_of(found, limit=args["limit"], cursor_of=_cursor)
    return {"items": [_managed_facts(company, company.legal_entity) for company in page], "next_cursor": cursor}


@blueprint.route("/companies/<id:company_id>", methods=["GET"])
@only(MANAGER, scope="companies:read")
@refuses(companies.CompanyNotFound)
@blueprint.response(200, ManagedCompanySchema)
def find_company(company_id: int) -> dict[str, Any]:
    """See one company; for managers

    With its status, who changed it when and why, and what its legal entity lacks for documents.
    """
    return _managed(companies.find_company(company_id))


@blueprint.route("/companies/<id:company_id>/approve", methods=["POST"])
@only(MANAGER, scope="companies:write")
@refuses(companies.CompanyNotFound, companies.CompanyNotPending, companies.CompanyIncomplete)
@blueprint.arguments(OptionalReasonSchema)
@blueprint.response(200, ManagedCompanySchema)
def approve_company(body: dict[str, Any], company_id: int) -> dict[str, Any]:
    """Let a pending supplier trade; for managers

    Its offers are visible and can be ordered from now on. 409 `CompanyIncomplete` names the details that its documents
    need and its legal entity lacks.
    """
    with transaction():
        company = companies.find_company(company_id, lock=True)
        companies.approve(company, by=current_user(), reason=body["reason"])
        return _managed(company)


@blueprint.route("/companies/<id:company_id>/block", methods=["POST"])
@only(MANAGER, scope="companies:write")
@refuses(companies.CompanyNotFound)
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, ManagedCompanySchema)
def block_company(body: dict[str, Any], company_id: int) -> dict[str, Any]:
    """Close a company's doors; for managers

    With the next request nobody of the company gets in, by session or key, and a supplier's offers are hidden. Parts of
    orders that are under way stay; managers can move them. The owner gets the reason by mail.
    """
    with transaction():
        company = companies.find_company(company_id, lock=True)
        companies.block(company, by=current_user(), reason=body["reason"])
        return _managed(company)


@blueprint.route("/companies/<id:company_id>/unblock", methods=["POST"])
@only(MANAGER, scope="companies:write")
@refuses(companies.CompanyNotFound)
@blueprint.arguments(OptionalReasonSchema)
@blueprint.response(200, ManagedCompanySchema)
def unblock_company(body: dict[str, Any], company_id: int) -> dict[str, Any]:
    """Open a company's doors again; for managers

    A supplier whose details are incomplete comes back as pending and has to be approved.
    """
    with transaction():
        company = companies.find_company(company_id, lock=True)
        companies.unblock(company, by=current_user(), reason=body["reason"])
        return _managed(company)


def _cursor(company: Company) -> str:
    return make_cursor(scope="companies", key=[company.id])


def _managed(company: Company) -> dict[str, Any]:
    return _managed_facts(company, legal_entities.legal_entity_of(company))


def _managed_facts(company: Company, entity: LegalEntity | None) -> dict[str, Any]:
    facts = {"created_at": company.created_at, "status_changed_at": company.status_changed_at}
    return _facts(company, entity) | facts | {"legal_entity": entity}


def _facts(company: Company, entity: LegalEntity | None) -> dict[str, Any]:
    names = ("id", "name", "kind", "status", "status_reason")
    missing = legal_entities.missing_details(entity) if company.kind == SUPPLIER else []
    return {name: getattr(company, name) for name in names} | {"missing_details": missing}
