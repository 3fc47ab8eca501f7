"""Companies: approval, blocking, and what their people may change."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from shop.auth.models import ACTIVE, BLOCKED, PENDING, SUPPLIER, Company, User
from shop.auth.security_notices import log
from shop.companies.events import CompanyMoved
from shop.companies.legal_entities import legal_entity_of, missing_details
from shop.database import now, session
from shop.errors import Conflict, Forbidden, NotFound
from shop.outbox.events import publish


class CompanyNotFound(NotFound):
    code = "CompanyNotFound"
    message = "There is no company {company_id}."


class CompanyIncomplete(Conflict):
    code = "CompanyIncomplete"
    message = "The company's legal entity lacks a valid: {fields}."


class CompanyNotPending(Conflict):
    code = "CompanyNotPending"
    message = "Only a pending company can be approved; this one is {status}."


class OwnerOnly(Forbidden):
    code = "OwnerOnly"
    message = "Only the owner of your company may do this."


def find_company(company_id: int, *, lock: bool = False) -> Company:
    company = session().get(Company, company_id, with_for_update={"key_share": True} if lock else None)
    if company is None:
        raise CompanyNotFound(company_id=company_id)
    return company


def companies(
    *, status: str | None = None, kind: str | None = None, after: int = 0, limit: int | None = None
) -> Sequence[Company]:
    """Companies by id, all or those of one status or kind, with their legal entities."""
    statement = select(Company).options(selectinload(Company.legal_entities)).order_by(Company.id).limit(limit)
    wanted = [Company.id > after]
    if status is not None:
        wanted.append(Company.status == status)
    if kind is not None:
        wanted.append(Company.kind == kind)
    return session().scalars(statement.where(*wanted)).all()


def require_owner(user: User) -> None:
    if not user.is_owner:
        raise OwnerOnly


def rename_company(company: Company, *, name: str, by: User) -> None:
    require_owner(by)
    company.name = name
    log.info("company_renamed", company_id=company.id, by=by.id)


def approve(company: Company, *, by: User | None, reason: str | None = None) -> None:
    """Lets a supplier trade; refuses while the details that documents need are missing. `by` is None for operators."""
    if company.status != PENDING:
        raise CompanyNotPending(status=company.status)
    missing = missing_details(legal_entity_of(company))
    if missing:
        raise CompanyIncomplete(fields=", ".join(missing), missing=missing)
    company.approved_at = now()
    _move(company, ACTIVE, by, reason)


def block(company: Company, *, by: User | None, reason: str | None = None) -> None:
    """Takes effect with the next request: its people are logged out, its offers hidden and refused."""
    if company.status == ACTIVE:
        company.approved_at = company.approved_at or now()
    if company.status != BLOCKED:
        _move(company, BLOCKED, by, reason)


def unblock(company: Company, *, by: User | None, reason: str | None = None) -> None:
    """A supplier that was never approved, or is not complete, comes back as pending: this is no way around approval."""
    if company.status == BLOCKED:
        unproven = not company.approved_at or missing_details(legal_entity_of(company))
        _move(company, PENDING if company.kind == SUPPLIER and unproven else ACTIVE, by, reason)


def _move(company: Company, status: str, by: User | None, reason: str | None) -> None:
    before, company.status = company.status, status
    company.status_reason, company.status_changed_at = reason, now()
    publish(CompanyMoved(company_id=company.id, from_status=before, to_status=status))
    log.info("company_moved", company_id=company.id, before=before, after=status, by=by.id if by else None)
