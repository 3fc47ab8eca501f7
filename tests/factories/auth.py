"""People, companies and delivery points."""

from itertools import count
from typing import Any

from shop.auth.models import ACTIVE, BUYER, MANAGER, SUPPLIER, Company, Contact, LegalEntity, User
from shop.auth.passwords import hash_password
from shop.auth.tokens import issue_token
from shop.db import now, session
from tests import factories
from tests.factories import committed

PASSWORD = "correct horse battery"
_numbers = count(1)
_hashes: dict[str, str] = {}


@committed
def make_company(kind: str = BUYER, *, status: str = ACTIVE, name: str | None = None, **others: Any) -> Company:
    number = next(_numbers)
    company = Company(kind=kind, status=status, name=name or f"ООО Компания {number}", **others)
    company.legal_entities = [
        LegalEntity(
            full_name=f"Общество с ограниченной ответственностью «Компания {number}»",
            short_name=company.name,
            inn="0000100012",
            kpp="000001001",
            ogrn="1027700132195",
            legal_address="г. Москва, ул. Примерная, д. 1",
            default_vat_rate="22",
            document_prefix="ТТ",
        )
    ]
    session().add(company)
    return company


@committed
def make_user(role: str = BUYER, *, company: Company | None = None, email: str | None = None, **others: Any) -> User:
    if company is None and role != MANAGER and "company_id" not in others:
        company = make_company(SUPPLIER if role == SUPPLIER else BUYER)
    password = others.pop("password", PASSWORD)
    values: dict[str, Any] = {"first_name": "Анна", "last_name": "Петрова", "email_confirmed_at": now()} | others
    user = User(
        role=role,
        email=email or f"{role}{next(_numbers)}@test.example",
        password_hash=_hash(password),
        **({"company_id": company.id if company else None} | values),
    )
    session().add(user)
    return user


@committed
def make_contact(user: User, **others: Any) -> Contact:
    values = {"name": "Магазин 001", "city": "Москва", "street": "ул. Лесная", "house": "5", "phone": "+74951234567"}
    contact = Contact(user_id=user.id, **(values | others))
    session().add(contact)
    return contact


def token_of(user: User) -> str:
    """A bearer token of this user."""
    with factories.app.app_context():
        _, secret = issue_token(user, expires_at=None)
        session().commit()
        return secret


def bearer(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(user)}"}


def _hash(password: str) -> str:
    """Argon2 is slow by design; once per password is enough for tests."""
    if password not in _hashes:
        _hashes[password] = hash_password(password)
    return _hashes[password]
