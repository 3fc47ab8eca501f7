"""The base class of all tables, the types of their columns, and how connections are made."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Date, DateTime, Identity, MetaData, Numeric, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry

from shop.config import Settings
from shop.database.pool import Pool, lines_of

CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Id = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
CreatedAt = Annotated[datetime, mapped_column(server_default=func.now())]
Quantity = Annotated[Decimal, mapped_column(Numeric(14, 3))]
UnitPrice = Annotated[Decimal, mapped_column(Numeric(14, 4))]
ComparedPrice = Annotated[
    Decimal, mapped_column(Numeric(18, 4))
]  # per kg of what is sold by the gram: a thousand times its price
Sum = Annotated[Decimal, mapped_column(Numeric(14, 2))]


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(naming_convention=CONSTRAINT_NAMES),
        type_annotation_map={
            int: BigInteger,
            str: Text,
            datetime: DateTime(timezone=True),
            date: Date,
            dict[str, Any]: JSONB,
        },
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


def engine_options(settings: Settings) -> dict[str, Any]:
    """Time zone and time-outs belong to the connection: no statement may hang a worker for ever."""
    server_settings = {
        "timezone": "UTC",
        "statement_timeout": settings.database_statement_timeout_ms,
        "lock_timeout": settings.database_lock_timeout_ms,
        "idle_in_transaction_session_timeout": 60_000,
    }
    return {
        "poolclass": Pool,
        "pool_size": settings.database_pool_size,
        "max_overflow": settings.database_pool_size + lines_of(settings.database_pool_size),
        "pool_timeout": 5,
        "pool_recycle": 1800,
        "hide_parameters": True,  # e-mails and hashes have no place in logs
        "connect_args": {
            "connect_timeout": 5,
            "application_name": "shop",
            "keepalives_idle": 30,  # who is cut off without a word is found out in a minute
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 60_000,
            "options": " ".join(f"-c {name}={value}" for name, value in server_settings.items()),
        },
    }


def now() -> datetime:
    return datetime.now(UTC)
