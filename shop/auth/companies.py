"""Companies: what a supplier needs to be approved, and blocking."""

import re
from collections.abc import Sequence

import structlog
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from stdnum.ru import inn as inns

from shop.auth.models import ACTIVE, BLOCKED, PENDING, SUPPLIER, Company, LegalEntity, User
from shop.db import session
from shop.errors import Conflict, FieldError, Invalid, NotFound

log = structlog.get_logger()

INN_OF_ORGANIZATION = 10
PREFIX = re.compile(r"[A-ZА-ЯЁ]{2,4}")
NEEDED = ("full_name", "short_name", "inn", "legal_address", "document_prefix")


class CompanyIncomplete(Conflict):
    code = "CompanyIncomplete"
    message = "The company's legal entity lacks a valid: {fields}."


class CompanyNotPending(Conflict):
    code = "CompanyNotPending"
    message = "Only a pending company can be approved; this one is {status}."


class LegalEntityInvalid(Invalid):
    code = "LegalEntityInvalid"
    message = "Some of the legal entity's details are not valid: {fields}."


def find_company(company_id: int, *, lock: bool = False) -> Company:
    company = session().get(Company, company_id, with_for_update={"key_share": True} if lock else None)
    if company is None:
        raise NotFound(f"There is no company {company_id}.")
    return company


def companies(*, status: str | None = None) -> Sequence[Company]:
    """All companies or those of one status, with their legal entities."""
    statement = select(Company).options(selectinload(Company.legal_entities)).order_by(Company.id)
    return session().scalars(statement.where(Company.status == status) if status else statement).all()


def approve(company: Company, *, by: User | None) -> None:
    """Lets a supplier trade; refuses while the details that documents need are missing. `by` is None for operators."""
    if company.status != PENDING:
        raise CompanyNotPending(status=company.status)
    missing = missing_details(legal_entity_of(company))
    if missing:
        raise CompanyIncomplete(fields=", ".join(missing), missing=missing)
    _move(company, ACTIVE, by)


def block(company: Company, *, by: User | None) -> None:
    """Takes effect with the next request: its people are logged out, its offers hidden and refused."""
    _move(company, BLOCKED, by)


def unblock(company: Company, *, by: User | None) -> None:
    """A supplier that was never complete comes back as pending, so that blocking is no way around approval."""
    if company.status == BLOCKED:
        incomplete = company.kind == SUPPLIER and missing_details(legal_entity_of(company))
        _move(company, PENDING if incomplete else ACTIVE, by)


def describe_legal_entity(company: Company, *, by: User | None, **details: str | None) -> LegalEntity:
    """Sets details of the company's first legal entity, which is made if there is none yet."""
    entity = legal_entity_of(company) or LegalEntity(
        company_id=company.id, full_name="", short_name="", inn="", legal_address=""
    )
    for name, value in details.items():
        setattr(entity, name, value)
    wrong = [name for name in missing_details(entity) if details.get(name)]
    if wrong:
        errors = [FieldError("json", name, "Not valid.") for name in wrong]
        raise LegalEntityInvalid(errors=errors, fields=", ".join(wrong))
    session().add(entity)
    session().flush()
    log.info("legal_entity_described", company_id=company.id, by=by.id if by else None)
    return entity


def legal_entity_of(company: Company) -> LegalEntity | None:
    """The one that a company starts with."""
    statement = select(LegalEntity).where(LegalEntity.company_id == company.id).order_by(LegalEntity.id).limit(1)
    return session().scalar(statement)


def missing_details(entity: LegalEntity | None) -> list[str]:
    """What documents need and the legal entity lacks, or has wrong."""
    if entity is None:
        return list(NEEDED)
    missing = [name for name in NEEDED if not (getattr(entity, name) or "").strip()]
    if "inn" not in missing and not inns.is_valid(entity.inn):
        missing.append("inn")
    if "document_prefix" not in missing and not PREFIX.fullmatch(entity.document_prefix or ""):
        missing.append("document_prefix")
    if len(entity.inn) == INN_OF_ORGANIZATION and not entity.kpp:
        missing.append("kpp")
    return missing


def _move(company: Company, status: str, by: User | None) -> None:
    before, company.status = company.status, status
    log.info("company_moved", company_id=company.id, before=before, after=status, by=by.id if by else None)
