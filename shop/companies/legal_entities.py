"""Legal entities: what documents need of a company, and which numbers can be real."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from stdnum.ru import inn as inns
from stdnum.ru import ogrn as ogrns

from shop.auth.models import BUYER, SUPPLIER, Company, LegalEntity, User
from shop.auth.security_notices import log
from shop.database import session, violated_constraint
from shop.errors import Conflict, FieldError, Invalid
from shop.money import VAT_RATES

INN_OF_ORGANIZATION, INN_OF_SOLE_TRADER = 10, 12
UNIQUE_PREFIX = "uq_legal_entities_document_prefix"
TIME_ZONES = available_timezones()
NEEDED = (
    "full_name",
    "short_name",
    "inn",
    "ogrn",
    "legal_address",
    "bank_name",
    "bank_bik",
    "bank_account",
    "default_vat_rate",
    "document_prefix",
)


class LegalEntityInvalid(Invalid):
    code = "LegalEntityInvalid"
    message = "Some of the legal entity's details are not valid: {fields}."


class DocumentPrefixTaken(Conflict):
    code = "DocumentPrefixTaken"
    message = "Another supplier's documents begin with {prefix} already."


def legal_entity_of(company: Company) -> LegalEntity | None:
    """The one that a company starts with."""
    statement = select(LegalEntity).where(LegalEntity.company_id == company.id).order_by(LegalEntity.id).limit(1)
    return session().scalar(statement)


def describe_legal_entity(
    company: Company, *, by: User | None, vat_deducted: bool | None = None, **details: str | None
) -> LegalEntity:
    """Sets details of the company's first legal entity, which is made if there is none yet.

    Refuses what cannot be real (LegalEntityInvalid), a prefix that is taken (DocumentPrefixTaken), and to leave an
    active supplier without what its documents need.
    """
    entity = legal_entity_of(company) or LegalEntity(
        company_id=company.id, full_name="", short_name="", inn="", legal_address="", time_zone="Europe/Moscow"
    )
    with _free_prefix(details.get("document_prefix")), session().no_autoflush:
        for name, value in details.items():
            setattr(entity, name, value)
        if vat_deducted is not None:
            entity.vat_deducted = vat_deducted
        _check(entity, company)
        session().add(entity)
    log.info("legal_entity_described", company_id=company.id, by=by.id if by else None)
    return entity


def missing_details(entity: LegalEntity | None) -> list[str]:
    """What documents need and the legal entity lacks, or has wrong."""
    if entity is None:
        return list(NEEDED)
    missing = [name for name in NEEDED if not (getattr(entity, name) or "").strip()]
    if _is_organization(entity) and not entity.kpp:
        missing.append("kpp")
    return missing + [name for name in wrong_details(entity) if name not in missing]


def wrong_details(entity: LegalEntity) -> Mapping[str, str]:
    """What is stated and cannot be real, with what to do about it."""
    return {
        name: message for name, (is_right, message) in CHECKS.items() if getattr(entity, name) and not is_right(entity)
    }


def _check(entity: LegalEntity, company: Company) -> None:
    wrong = dict(wrong_details(entity))
    if company.kind != SUPPLIER and entity.document_prefix:
        wrong["document_prefix"] = "Only suppliers issue documents."
    if company.kind != BUYER and entity.vat_deducted:
        wrong["vat_deducted"] = "Only buyers compare prices."
    if company.kind == SUPPLIER and company.is_active:
        wrong |= {name: "Needed while the company trades." for name in missing_details(entity) if name not in wrong}
    if wrong:
        errors = [FieldError("json", name, message) for name, message in wrong.items()]
        raise LegalEntityInvalid(errors=errors, fields=", ".join(wrong))


@contextmanager
def _free_prefix(prefix: str | None) -> Iterator[None]:
    """The unique index decides between two suppliers who want the same prefix at the same time.

    The change is made inside: what was changed before the savepoint would be flushed before it, and fail outside.
    """
    try:
        with session().begin_nested():
            yield
    except IntegrityError as error:
        if violated_constraint(error) != UNIQUE_PREFIX:
            raise
        raise DocumentPrefixTaken(prefix=prefix) from None


def _is_organization(entity: LegalEntity) -> bool:
    return len(entity.inn) == INN_OF_ORGANIZATION


def _is_sole_trader(entity: LegalEntity) -> bool:
    return len(entity.inn) == INN_OF_SOLE_TRADER


def _has_right_kpp(entity: LegalEntity) -> bool:
    return not _is_sole_trader(entity) and bool(re.fullmatch(r"\d{4}[\dA-Z]{2}\d{3}", entity.kpp or "", re.ASCII))


def _has_right_ogrn(entity: LegalEntity) -> bool:
    """13 digits of an organization, 15 of a sole trader."""
    ogrn = entity.ogrn or ""
    if _is_organization(entity) or _is_sole_trader(entity):
        return len(ogrn) == (13 if _is_organization(entity) else 15) and bool(ogrns.is_valid(ogrn))
    return bool(ogrns.is_valid(ogrn))


def _has_right_account(entity: LegalEntity) -> bool:
    return _is_account(entity.bank_account or "", (entity.bank_bik or "")[-3:])


def _has_right_correspondent_account(entity: LegalEntity) -> bool:
    """Correspondent accounts are kept by the central bank: "0" and two digits of the БИК take its number's place."""
    account = entity.correspondent_account or ""
    return account.startswith("301") and _is_account(account, "0" + (entity.bank_bik or "")[4:6])


def _is_account(account: str, bank: str) -> bool:
    """20 digits with the key of the Bank of Russia: digits times 7, 1, 3 and again add up to a multiple of ten."""
    if not re.fullmatch(r"\d{20}", account, re.ASCII) or not re.fullmatch(r"\d{3}", bank, re.ASCII):
        return False
    return sum(_weighted(bank + account)) % 10 == 0


def _weighted(digits: str) -> Iterator[int]:
    return (int(digit) * weight for digit, weight in zip(digits, (7, 1, 3) * 8, strict=False))


Check = Callable[[LegalEntity], bool]

CHECKS: Mapping[str, tuple[Check, str]] = {
    "inn": (
        lambda entity: entity.inn.isascii() and entity.inn.isdecimal() and bool(inns.is_valid(entity.inn)),
        "Must have 10 or 12 digits with right check digits.",
    ),
    "kpp": (_has_right_kpp, "Must have 9 characters; only organizations (an ИНН of 10 digits) have one."),
    "ogrn": (_has_right_ogrn, "Must have 13 digits, or 15 of a sole trader, with a right check digit."),
    "bank_bik": (
        lambda entity: bool(re.fullmatch(r"\d{9}", entity.bank_bik or "", re.ASCII)),
        "Must have 9 digits.",
    ),
    "bank_account": (_has_right_account, "Must have 20 digits that fit the БИК."),
    "correspondent_account": (_has_right_correspondent_account, "Must have 20 digits that fit the БИК."),
    "default_vat_rate": (
        lambda entity: entity.default_vat_rate in VAT_RATES,
        f"Must be one of {', '.join(VAT_RATES)}.",
    ),
    "time_zone": (lambda entity: entity.time_zone in TIME_ZONES, "Must be a name like Europe/Moscow."),
    "document_prefix": (
        lambda entity: bool(re.fullmatch(r"[A-ZА-ЯЁ]{2,4}", entity.document_prefix or "")),
        "Must have 2 to 4 capital letters.",
    ),
}
