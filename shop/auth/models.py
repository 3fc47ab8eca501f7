"""Companies and their legal entities, the people in them, their tokens and second factors."""

from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    and_,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.database import CreatedAt, Id, Model, Sum, now

BUYER, SUPPLIER, MANAGER = "buyer", "supplier", "manager"
PENDING, ACTIVE, BLOCKED = "pending", "active", "blocked"
PHYSICAL, FREE = "physical", "free"
SESSION, API_KEY = "session", "api_key"
FRESH_FOR = timedelta(minutes=10)
STAYS = "stays"  # in the info of a key to users or companies: what a closed account leaves behind


class Company(Model):
    """A buyer or a supplier. `accepts_orders` and what follows it are the terms on which a supplier trades."""

    __tablename__ = "companies"
    __table_args__ = (
        CheckConstraint("kind IN ('buyer', 'supplier')", name="kind_known"),
        CheckConstraint("status IN ('pending', 'active', 'blocked')", name="status_known"),
        CheckConstraint("stock_means IN ('physical', 'free')", name="stock_means_known"),
        Index("ix_companies_name_words", "name", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}),
    )

    id: Mapped[Id]
    kind: Mapped[str]
    name: Mapped[str]
    status: Mapped[str] = mapped_column(default=PENDING)
    status_reason: Mapped[str | None]
    status_changed_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]

    accepts_orders: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    price_list_url: Mapped[str | None]
    stock_means: Mapped[str] = mapped_column(default=PHYSICAL, server_default=PHYSICAL)
    price_includes_vat: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    delivery_fee: Mapped[Sum] = mapped_column(default=Decimal(0), server_default="0")
    free_delivery_from: Mapped[Sum | None]
    minimum_order: Mapped[Sum] = mapped_column(default=Decimal(0), server_default="0")
    offers_changed_at: Mapped[datetime | None]  # by a trigger: when what offers show of their supplier last changed

    legal_entities: Mapped[list["LegalEntity"]] = relationship(
        back_populates="company", order_by="LegalEntity.id", lazy="raise_on_sql"
    )

    @property
    def is_active(self) -> bool:
        return self.status == ACTIVE

    @property
    def legal_entity(self) -> "LegalEntity | None":
        return self.legal_entities[0] if self.legal_entities else None

    @property
    def default_vat_rate(self) -> str | None:
        return self.legal_entity.default_vat_rate if self.legal_entity else None


class LegalEntity(Model):
    """Who signs: the name, numbers and bank of a company on documents. A company starts with one.

    `vat_deducted`: a buyer gets the VAT that it pays back, so it compares prices without VAT.
    """

    __tablename__ = "legal_entities"

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id"), index=True)
    full_name: Mapped[str]
    short_name: Mapped[str]
    inn: Mapped[str]
    kpp: Mapped[str | None]
    ogrn: Mapped[str | None]
    legal_address: Mapped[str]
    bank_name: Mapped[str | None]
    bank_bik: Mapped[str | None]
    bank_account: Mapped[str | None]
    correspondent_account: Mapped[str | None]
    default_vat_rate: Mapped[str | None]
    vat_deducted: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    time_zone: Mapped[str] = mapped_column(default="Europe/Moscow", server_default="Europe/Moscow")
    document_prefix: Mapped[str | None] = mapped_column(unique=True)

    company: Mapped[Company] = relationship(back_populates="legal_entities")


class User(Model):
    """A person. Of a closed account only the row remains, without anything personal, so that orders keep an author."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("role IN ('buyer', 'supplier', 'manager')", name="role_known"),
        CheckConstraint("locale IN ('ru', 'en')", name="locale_known"),
        CheckConstraint("role = 'manager' OR company_id IS NOT NULL", name="company_needed"),
        Index(
            "uq_users_open_email", func.lower(text("email")), unique=True, postgresql_where=text("closed_at IS NULL")
        ),
        Index("uq_users_company_owner", "company_id", unique=True, postgresql_where=text("is_owner")),
        Index("ix_users_email_words", "email", postgresql_using="gin", postgresql_ops={"email": "gin_trgm_ops"}),
    )

    id: Mapped[Id]
    email: Mapped[str]
    email_confirmed_at: Mapped[datetime | None]
    pending_email: Mapped[str | None]
    pending_email_since: Mapped[datetime | None]
    password_hash: Mapped[str | None]
    role: Mapped[str]
    company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id"), index=True)
    is_owner: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    first_name: Mapped[str]
    last_name: Mapped[str]
    position: Mapped[str | None]
    locale: Mapped[str] = mapped_column(default="ru", server_default="ru")
    created_at: Mapped[CreatedAt]
    second_factor_at: Mapped[datetime | None]
    blocked_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    company: Mapped[Company | None] = relationship()

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def is_manager(self) -> bool:
        return self.role == MANAGER

    @property
    def has_second_factor(self) -> bool:
        return self.second_factor_at is not None

    @hybrid_property
    def may_log_in(self) -> bool:
        """Also whether the mails about the company's trade go to this user (decision 0043). On the class: in SQL."""
        company_blocked = self.company is not None and self.company.status == BLOCKED
        return bool(self.email_confirmed_at) and not self.blocked_at and not self.closed_at and not company_blocked

    @may_log_in.inplace.expression
    @classmethod
    def _may_log_in_in_sql(cls) -> ColumnElement[bool]:
        company_blocked = cls.company.has(Company.status == literal_column(f"'{BLOCKED}'"))
        return and_(
            cls.email_confirmed_at.is_not(None), cls.blocked_at.is_(None), cls.closed_at.is_(None), ~company_blocked
        )


class AccessToken(Model):
    """A session or an API key. Only the SHA-256 of the token is kept; `prefix` lets its owner recognize it."""

    __tablename__ = "access_tokens"
    __table_args__ = (CheckConstraint("kind IN ('session', 'api_key')", name="kind_known"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    name: Mapped[str | None]
    prefix: Mapped[str]
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    last_used_at: Mapped[datetime | None]
    opened_from: Mapped[str | None]
    user_agent: Mapped[str | None]

    user: Mapped[User] = relationship()

    @property
    def is_fresh(self) -> bool:
        """Has somebody just logged in with it? Whoever found an open session has not."""
        return self.kind == SESSION and self.created_at + FRESH_FOR > now()


class KnownPlace(Model):
    """An address from which the owner got in: there, guesses made elsewhere do not count against the account."""

    __tablename__ = "known_places"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)


class TotpFactor(Model):
    """An authenticator app. The secret is encrypted; `last_step` is the time step of the last code that was taken."""

    __tablename__ = "totp_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[CreatedAt]


class RecoveryCode(Model):
    """The SHA-256 of a code that stands in for the authenticator app once; the row goes when it is used."""

    __tablename__ = "recovery_codes"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
