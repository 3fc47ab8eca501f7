"""People at the desk: who they are and where they are logged in; blocked and opened again. Never a secret of theirs."""

from typing import Any

from flask import flash
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, case, func, select, union_all
from sqlalchemy.orm import joinedload
from werkzeug import Response

from shop.admin.access_guard import manager
from shop.admin.audit_trail import entries_about
from shop.admin.base import ManagedView, expose
from shop.admin.bulk import stated_reason
from shop.admin.filters import any_contains, choice, contains, flag
from shop.admin.formats import NOTHING, linked, shown
from shop.auth.account_control import block_user, end_sessions, send_password_reset, unblock_user
from shop.auth.models import API_KEY, BUYER, MANAGER, SUPPLIER, AccessToken, Company, User
from shop.auth.social.models import SocialAccount
from shop.auth.tokens import sessions_of
from shop.companies.models import Contact
from shop.database import session
from shop.errors import NotFound
from shop.translations import t

ROLES = [(role, f"role|{role}") for role in (BUYER, SUPPLIER, MANAGER)]
TONES = {"works": "good", "blocked": "bad", "unconfirmed": "waiting", "closed": "quiet"}
SHOWN = 50


class UserNotFound(NotFound):
    code = "UserNotFound"
    message = "There is no such person."


def user_state(user: User) -> str:
    if user.closed_at:
        return "closed"
    if user.blocked_at:
        return "blocked"
    return "works" if user.email_confirmed_at else "unconfirmed"


def user_badge(state: str) -> Markup:
    return Markup('<span class="badge {}">{}</span>').format(TONES[state], t(f"user|{state}"))


def _name() -> ColumnElement[str]:
    return func.trim(func.concat(User.first_name, " ", User.last_name))


def _last_seen() -> Any:
    seen = func.max(func.coalesce(AccessToken.last_used_at, AccessToken.created_at))
    return select(seen).where(AccessToken.user_id == User.id).correlate(User.__table__).scalar_subquery()


class UsersView(ManagedView):
    model = User
    title, group, slug = "People", "Companies and users", "users"
    details = "desk/user.html"
    column_list = ("name", "email", "role", "company", "state", "last_seen_at", "created_at")
    column_labels = {"email": "E-mail", "last_seen_at": "Last seen", "created_at": "Since"}
    column_formatters = {
        "name": linked(lambda row: f"/admin/users/{row.id}/"),
        "role": lambda _view, _context, row, _name: t(f"role|{row.role}"),
        "company": lambda _view, _context, row, _name: _company_link(row),
        "state": shown(user_badge),
    }
    sorts = {"name": User.last_name, "email": User.email, "created_at": User.id}
    searched = (User.email, _name(), Company.name)
    filters = (
        choice("role", "Role", User.role, ROLES),
        contains("email", "E-mail", User.email),
        contains("name", "Name", _name()),
        contains("company", "Company", Company.name),
        flag("blocked", "Blocked", User.blocked_at.is_not(None)),
        flag("unconfirmed", "E-mail not confirmed", User.email_confirmed_at.is_(None)),
    )
    empty = "Nobody yet. People appear here as soon as they register."

    def statement(self) -> Select[*tuple[Any, ...]]:
        state = case(
            (User.closed_at.is_not(None), "closed"),
            (User.blocked_at.is_not(None), "blocked"),
            (User.email_confirmed_at.is_(None), "unconfirmed"),
            else_="works",
        )
        return select(
            User.id,
            func.coalesce(func.nullif(_name(), ""), User.email).label("name"),
            User.email,
            User.role,
            Company.name.label("company"),
            state.label("state"),
            _last_seen().label("last_seen_at"),
            User.created_at,
            User.company_id,
        ).outerjoin(Company, Company.id == User.company_id)

    def searching(self, text: str) -> ColumnElement[bool]:
        """As with companies: a question to each table by its own index."""
        ways = (
            select(User.id).where(any_contains([User.email], text)),
            select(User.id).where(any_contains([_name()], text)),
            select(User.id).join(Company, Company.id == User.company_id).where(any_contains([Company.name], text)),
        )
        return User.id.in_(union_all(*ways))

    def find(self, id_: int) -> User:
        user = session().get(User, id_, options=[joinedload(User.company)])
        if user is None:
            raise UserNotFound
        return user

    def page_facts(self, user: User) -> dict[str, Any]:
        tokens = select(AccessToken).where(AccessToken.user_id == user.id, AccessToken.kind == API_KEY)
        linked_at = select(SocialAccount).where(SocialAccount.user_id == user.id)
        contacts = select(Contact).where(Contact.user_id == user.id)
        return {
            "state": user_badge(user_state(user)),
            "is_oneself": user.id == manager().id,
            "sessions": sessions_of(user)[:SHOWN],
            "api_keys": session().scalars(tokens.order_by(AccessToken.id.desc()).limit(SHOWN)).all(),
            "providers": session().scalars(linked_at.order_by(SocialAccount.id)).all(),
            "contacts": session().scalars(contacts.order_by(Contact.id).limit(SHOWN)).all(),
            "entries": entries_about(user),
        }

    @expose("/<id:id_>/block", methods=("POST",))
    def block(self, id_: int) -> Response:
        user, reason = self.find(id_), stated_reason()
        if not reason:
            flash(t("Say why: the other managers read it."), "error")
            return self.back(self.page_of(id_))
        with self.acting("user.block", user, reason=reason, done=t("Blocked.")):
            block_user(user, by=manager(), reason=reason)
        return self.back(self.page_of(id_))

    @expose("/<id:id_>/unblock", methods=("POST",))
    def unblock(self, id_: int) -> Response:
        user, reason = self.find(id_), stated_reason()
        with self.acting("user.unblock", user, reason=reason, done=t("Unblocked.")):
            unblock_user(user, by=manager(), reason=reason)
        return self.back(self.page_of(id_))

    @expose("/<id:id_>/end-sessions", methods=("POST",))
    def end_sessions(self, id_: int) -> Response:
        user = self.find(id_)
        with self.acting("user.end_sessions", user, done=t("All sessions have ended.")):
            end_sessions(user, by=manager())
        return self.back(self.page_of(id_))

    @expose("/<id:id_>/send-reset", methods=("POST",))
    def send_reset(self, id_: int) -> Response:
        user = self.find(id_)
        with self.acting("user.send_reset", user, done=t("The link is on its way to {email}.", email=user.email)):
            send_password_reset(user, by=manager())
        return self.back(self.page_of(id_))


def _company_link(row: Any) -> Markup:
    if not row.company:
        return NOTHING
    return Markup('<a href="/admin/companies/{}/">{}</a>').format(row.company_id, row.company)
