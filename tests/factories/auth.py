"""People, companies and delivery points."""

from itertools import count
from typing import Any

from sqlalchemy import select

from shop.auth.models import ACTIVE, API_KEY, BUYER, MANAGER, SUPPLIER, Company, LegalEntity, User
from shop.auth.passwords import hash_password
from shop.auth.tokens import issue_token
from shop.companies.models import Contact
from shop.database import now, session
from tests import factories
from tests.factories import committed

PASSWORD = "correct horse battery"
LETTERS = "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЭЮЯ"
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
            bank_name="АО «Образцовый банк»",
            bank_bik="040000101",
            bank_account="40702810800000000101",
            correspondent_account="30101810000000000101",
            document_prefix=_free_prefix(number) if kind == SUPPLIER else None,
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
    values.setdefault("is_owner", company is not None and not values.get("closed_at") and not _has_owner(company))
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


def make_api_key(user: User, *scopes: str) -> dict[str, str]:
    """The header of an API key of this user."""
    with factories.app.app_context():
        _, secret = issue_token(user, kind=API_KEY, name="a key", scopes=scopes, expires_at=None)
        session().commit()
        return {"Authorization": f"Bearer {secret}"}


def _has_owner(company: Company) -> bool:
    return session().scalar(select(User.id).where(User.company_id == company.id, User.is_owner)) is not None


def _free_prefix(number: int) -> str:
    """ТТ for the first supplier; two suppliers never have the same."""
    if session().scalar(select(LegalEntity.id).where(LegalEntity.document_prefix == "ТТ")) is None:
        return "ТТ"
    high, low = divmod(number, len(LETTERS))
    return f"Т{LETTERS[high // len(LETTERS) % len(LETTERS)]}{LETTERS[high % len(LETTERS)]}{LETTERS[low]}"


def _hash(password: str) -> str:
    """Argon2 is slow by design; once per password is enough for tests."""
    if password not in _hashes:
        _hashes[password] = hash_password(password)
    return _hashes[password]
