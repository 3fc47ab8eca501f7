"""The managers' desk: Flask-Admin under /admin. VIEWS is its table of contents."""

from flask import Flask, Response, make_response, render_template
from flask_admin import Admin, AdminIndexView
from flask_admin.theme import Theme

from shop import translations
from shop.admin import access_guard, locales, login_views, providers
from shop.admin.audit import AuditView
from shop.admin.base import GROUPS, DeskView
from shop.admin.categories import CategoriesView
from shop.admin.companies import CompaniesView
from shop.admin.dashboard import DashboardView
from shop.admin.deliveries import DeliveriesView
from shop.admin.events import EventsView
from shop.admin.mails import MailsView
from shop.admin.offers import OffersView
from shop.admin.orders import OrdersView
from shop.admin.price_lists import PriceListsView
from shop.admin.products import ProductsView
from shop.admin.suppliers import SuppliersView
from shop.admin.users import UsersView
from shop.errors import FieldError
from shop.http.problems import answer_with_pages

VIEWS: tuple[type[DeskView], ...] = (
    OrdersView,
    PriceListsView,
    OffersView,
    ProductsView,
    CategoriesView,
    SuppliersView,
    CompaniesView,
    UsersView,
    MailsView,
    DeliveriesView,
    EventsView,
    AuditView,
)


def init_app(app: Flask) -> None:
    translations.init_app(app, locale_selector=locales.locale, timezone_selector=locales.time_zone)
    answer_with_pages(app, access_guard.PREFIX, _problem_page)
    access_guard.init_app(app)
    providers.init_app(app)
    login_views.init_app(app)
    locales.init_app(app)
    index: AdminIndexView = DashboardView()
    admin = Admin(name="Shop", index_view=index, theme=Theme("bootstrap4", "desk/base.html"))
    for view in VIEWS:
        admin.add_view(view())
    admin.init_app(app)
    app.extensions["admin_menu"] = _menu(admin)


def _menu(admin: Admin) -> list[tuple[str, list[DeskView]]]:
    """Views by group, in the order of GROUPS and of VIEWS."""
    views = [view for view in admin._views if isinstance(view, DeskView)]
    grouped = [(group, [view for view in views if view.category == group]) for group in GROUPS]
    return [(group, members) for group, members in grouped if members]


def _problem_page(status: int, detail: str, errors: list[FieldError]) -> Response:
    html = render_template("desk/problem.html", status=status, detail=detail, errors=errors)
    return make_response(html, status)
