"""What companies keep: their delivery points, and invitations to join them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.auth.models import Company
from shop.database import CreatedAt, Id, Model, now


class Invitation(Model):
    """Somebody is asked by mail to join a company; the row goes when the link is used or the invitation taken back."""

    __tablename__ = "invitations"
    __table_args__ = (Index("uq_invitations_email", "company_id", func.lower(text("email")), unique=True),)

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="CASCADE"))
    invited_by_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    email: Mapped[str]
    locale: Mapped[str] = mapped_column(default="ru", server_default="ru")
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime] = mapped_column(index=True)

    company: Mapped[Company] = relationship()

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= now()


class Contact(Model):
    """A delivery point: a shop or a warehouse with its address and phone; of one user or of a whole company."""

    __tablename__ = "contacts"
    __table_args__ = (CheckConstraint("num_nonnulls(user_id, company_id) = 1", name="one_owner"),)

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    city: Mapped[str]
    street: Mapped[str]
    house: Mapped[str]
    structure: Mapped[str] = mapped_column(default="", server_default="")
    building: Mapped[str] = mapped_column(default="", server_default="")
    apartment: Mapped[str] = mapped_column(default="", server_default="")
    phone: Mapped[str]
    receiving_hours: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[CreatedAt]

    @property
    def belongs_to(self) -> str:
        return "user" if self.user_id else "company"

    @property
    def address(self) -> str:
        """The address in one line, as on an envelope."""
        parts = {
            "г. ": self.city,
            "": self.street,
            "д. ": self.house,
            "корп. ": self.structure,
            "стр. ": self.building,
            "кв./оф. ": self.apartment,
        }
        return ", ".join(f"{label}{value}" for label, value in parts.items() if value)

    @property
    def frozen(self) -> dict[str, str]:
        """The delivery point as an order remembers it."""
        fields = ("name", "city", "street", "house", "structure", "building", "apartment", "phone", "receiving_hours")
        return {field: getattr(self, field) for field in fields} | {"address": self.address}
