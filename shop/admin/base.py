"""What every view of the admin is made of.

Adding a view
=============
1. A module named after its area (`shop/admin/mails.py`) with a class of ManagedView: `model`, `title`, `group` (one of
   GROUPS), `slug` (its address, /admin/<slug>), `statement()` (a SELECT of the columns that the list shows, `id` among
   them) and `column_list`; as needed `sorts`, `searched`, `filters`, `column_labels`, `column_formatters`
   (shop.admin.formats), `empty` (what to do when there is nothing).
2. One thing: `find(id_)` (one statement, what the page shows eagerly) and a template `details` that extends
   desk/page.html. Lists lead there by `self.page_of(id_)`.
3. An act: `@expose("/<id:id_>/verb", methods=("POST",))`; inside, `with self.acting("thing.verb", thing, reason=…,
   done=t("…")):` calls one story, then `return self.back()`. A refusal is shown with its sentence, anything else rolls
   back. Never an act by GET. A form has `{{ csrf_field() }}` in it; the door refuses a POST without.
4. An act on many: a `Bulk` in `bulk`, whose `act(thing, reason)` is called in a transaction per thing.
5. A form: a WTForms class as `form_class`, `can_create` with `make(form) -> thing` or `can_edit` with
   `change(thing, form)`, both calling stories. Foreign keys are `LookUp` fields, answered by `look_ups`.
6. The class goes into VIEWS (shop/admin/__init__.py); `make translations` puts its texts into the catalog, and you
   write their Russian.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar, cast

from flask import abort, flash, jsonify, redirect, request, url_for
from flask_admin.base import BaseView
from flask_admin.base import expose as flask_admin_expose
from flask_admin.model.base import BaseModelView, ViewArgs
from jinja2 import pass_context
from sqlalchemy import ColumnElement, Row, Select, func, literal, select
from werkzeug import Response
from wtforms import Form

from shop.admin.access_guard import PREFIX, local_address
from shop.admin.audit_trail import Trail, audited, name_of
from shop.admin.bulk import Bulk
from shop.admin.export_files import KINDS, export_rows
from shop.admin.filters import Filter, any_contains
from shop.admin.formats import plain
from shop.admin.forms import LOOK_UP_ROWS
from shop.admin.inputs import marked_rows
from shop.admin.texts import refusal_text
from shop.database import session
from shop.errors import NotFound, Refusal
from shop.http.fields import CONTROL_CHARACTERS, MAX_ID
from shop.translations import later, t

GROUPS = ("Desk", "Orders", "Price lists", "Catalog", "Companies and users", "Deliveries", "Audit")
COUNTED_AT_MOST = 10_000  # further than anybody turns pages; a filter is the way on
MAX_SEARCH = 200

Rows = Sequence[Row[Any]]
Pairs = Sequence[tuple[str, str]]  # the filters in use: key and value as the address has them
View = TypeVar("View", bound=Callable[..., Any])


def expose(address: str, methods: Sequence[str] = ("GET",)) -> Callable[[View], View]:
    """Flask-Admin's, typed."""
    return cast(Callable[[View], View], flask_admin_expose(address, methods))


class DeskView(BaseView):  # type: ignore[misc]
    """A page of the desk; the door has let the manager in."""

    title: ClassVar[str]
    group: ClassVar[str]
    slug: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(**self._place())

    @classmethod
    def _place(cls) -> dict[str, Any]:
        address = f"{PREFIX}/{cls.slug}"
        return {"name": later(cls.title), "category": cls.group, "endpoint": f"admin_{cls.slug}", "url": address}

    @contextmanager
    def acting(self, action: str, *things: Any, reason: str = "", done: str = "") -> Iterator[Trail]:
        """One act: done with its audit entry and said so, or refused, and the person reads why."""
        try:
            with audited(action, *things, reason=reason) as trail:
                yield trail
        except Refusal as refusal:
            tell(refusal)
        else:
            if done:
                flash(done, "success")

    def back(self, address: str | None = None) -> Response:
        """To the page that the form names as `next`, or to `address`."""
        wanted = request.form.get("next")
        return redirect(local_address(wanted) if wanted else address or url_for(f"{self.endpoint}.index_view"), 303)


class ManagedView(DeskView, BaseModelView):  # type: ignore[misc]
    """A list of things, each with its page; see "Adding a view" above."""

    model: Any
    key: ClassVar[Any] = None  # the column that names a row; the model's id
    sorts: ClassVar[Mapping[str, Any]] = {}
    searched: ClassVar[Sequence[Any]] = ()
    filters: ClassVar[Sequence[Filter]] = ()
    bulk: ClassVar[Sequence[Bulk]] = ()
    numeric: ClassVar[Sequence[str]] = ()  # columns set flush right
    details: ClassVar[str | None] = None
    form_class: ClassVar[type[Form] | None] = None
    empty: ClassVar[str] = "Nothing here yet."
    making: ClassVar[tuple[str, str]] = ("Create", "Save")  # what leads to the form, and what sends it
    exported: ClassVar[Sequence[str] | None] = None  # columns; those of the list where nothing else is said

    can_create = can_edit = can_delete = can_view_details = False
    can_export = True
    export_types = list(KINDS)
    can_set_page_size = True
    page_size = 50
    page_size_options = (20, 50, 100, 200)
    list_template = "desk/list.html"
    create_template = edit_template = "desk/form.html"
    column_display_actions = False

    def __init__(self) -> None:
        self.key_column = self.model.id if self.key is None else self.key
        BaseModelView.__init__(self, self.model, **self._place())

    # What a view says of itself.

    def statement(self) -> Select[*tuple[Any, ...]]:
        """The columns that the list shows, joined, not narrowed, not ordered; `id` is the row's key."""
        raise NotImplementedError

    def find(self, id_: int) -> Any:
        """The thing itself, with all that its page shows; refuses with NotFound."""
        thing = session().get(self.model, id_)
        if thing is None:
            raise NotFound
        return thing

    def make(self, form: Form) -> Any:
        """Creates by a story and returns the thing."""
        raise NotImplementedError

    def change(self, thing: Any, form: Form) -> None:
        """Changes by a story."""
        raise NotImplementedError

    def look_ups(self) -> Mapping[str, Select[*tuple[Any, ...]]]:
        """By the name of a LookUp field: a SELECT of (id, text) to search in; `text` must be a labeled column."""
        return {}

    def looking_up(self, wanted: Select[*tuple[Any, ...]], text: str) -> Select[*tuple[Any, ...]]:
        """What of `wanted` a look-up finds by what was typed."""
        return wanted.where(any_contains([wanted.selected_columns.text], text))

    def page_facts(self, _thing: Any) -> dict[str, Any]:
        """What the details template needs besides `thing`."""
        return {}

    def page_of(self, id_: int) -> str:
        return url_for(f"{self.endpoint}.page", id_=id_)

    # The list.

    def get_list(
        self,
        page: int | None,
        sort_column: str | None,
        sort_desc: bool | None,
        search: str | None,
        filters: Pairs | None,
        execute: bool = True,
        page_size: int | None = None,
    ) -> tuple[int, Rows]:
        """The rows of one page, and how many there are in all, counted as far as COUNTED_AT_MOST + 1."""
        narrowed = self.narrowed(search, filters)
        size = page_size or self.page_size
        offset = min(max(page or 0, 0), COUNTED_AT_MOST // size) * size
        ordered = self.ordered(narrowed, sort_column, sort_desc)
        rows = session().execute(ordered.limit(size).offset(offset)).all()
        is_last_page = len(rows) < size and (rows or not offset)
        return offset + len(rows) if is_last_page else self._count(narrowed), rows

    def _count(self, narrowed: Select[*tuple[Any, ...]]) -> int:
        counted = (
            narrowed.with_only_columns(literal(1), maintain_column_froms=True)
            .order_by(None)
            .limit(COUNTED_AT_MOST + 1)
            .subquery()
        )
        return session().scalar(select(func.count()).select_from(counted)) or 0

    def narrowed(self, search: str | None, filters: Pairs | None) -> Select[*tuple[Any, ...]]:
        statement = self.statement()
        if search and (search := CONTROL_CHARACTERS.sub("", search).strip()[:MAX_SEARCH]):
            statement = statement.where(self.searching(search))
        given = dict(filters or ())
        for filter_ in self.filters:
            if value := given.get(filter_.key):
                statement = statement.where(filter_.condition(filter_.parse(value)))
        return statement

    def searching(self, text: str) -> ColumnElement[bool]:
        """What the search finds; a view of very many rows asks an index in its own words."""
        return any_contains(self.searched, text)

    def ordered(
        self, statement: Select[*tuple[Any, ...]], column: str | None, descending: bool | None
    ) -> Select[*tuple[Any, ...]]:
        """By the column asked for, else newest first; the key decides among equals, so that pages do not overlap."""
        if column is None:
            return statement.order_by(self.key_column.desc())
        by: ColumnElement[Any] = self.sorts[column]
        return statement.order_by(*(each.desc() if descending else each.asc() for each in (by, self.key_column)))

    def get_pk_value(self, row: Any) -> Any:
        return row.id

    def init_search(self) -> bool:
        return bool(self.searched)

    def scaffold_list_columns(self) -> list[str]:
        return list(self.column_list)

    def scaffold_sortable_columns(self) -> dict[str, Any]:
        return dict(self.sorts)

    def get_column_name(self, field: str) -> Any:
        return later((self.column_labels or {}).get(field) or field.replace("_", " ").capitalize())

    def get_export_columns(self) -> list[tuple[str, Any]]:
        return [(name, self.get_column_name(name)) for name in self.exported or self.column_list]

    @pass_context
    def get_list_value(self, context: Any, row: Any, name: str) -> Any:
        formatter = self.column_formatters.get(name)
        return formatter(self, context, row, name) if formatter else plain(getattr(row, name))

    def _get_list_filter_args(self) -> Pairs:
        """What cannot be meant is said and left out."""
        given = []
        for filter_ in self.filters:
            if not (value := request.args.get(filter_.key, "").strip()):
                continue
            try:
                filter_.parse(value)
            except ValueError:
                flash(t("{label}: “{value}” cannot be meant, so it is left out.", label=t(filter_.label), value=value))
            else:
                given.append((filter_.key, value))
        return given

    def _get_list_extra_args(self) -> ViewArgs:
        arguments = super()._get_list_extra_args()
        arguments.extra_args = {}
        return arguments

    def _get_filters(self, filters: Pairs | None) -> dict[str, str]:
        return dict(filters or ())

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> Response:
        """What the list shows, with its filters and order, as a file."""
        if export_type not in KINDS:
            abort(404)
        arguments = self._get_list_extra_args()
        sort = self._get_column_by_idx(arguments.sort)
        column = sort[0] if sort and sort[0] in self.sorts else None
        narrowed = self.narrowed(arguments.search, arguments.filters)
        columns = [(name, str(label)) for name, label in self._export_columns]
        return export_rows(self.slug, export_type, self.ordered(narrowed, column, bool(arguments.sort_desc)), columns)

    # One thing.

    @expose("/<id:id_>/")
    def page(self, id_: int) -> Any:
        if self.details is None:
            abort(404)
        thing = self.find(id_)
        return self.render(self.details, thing=thing, thing_name=name_of(thing), **self.page_facts(thing))

    @expose("/action/", methods=("POST",))
    def action_view(self) -> Response:
        """The act named by the button, on each row that was marked, each in a transaction of its own."""
        bulk = next((bulk for bulk in self.bulk if bulk.name == request.form.get("action")), None)
        ids = marked_rows()
        if bulk is None:
            abort(404)
        if not ids:
            flash(t("Mark at least one row first."), "error")
        else:
            bulk.run(ids, self.find)
        return self.back()

    # Forms.

    def scaffold_form(self) -> type[Form]:
        return self.form_class or Form

    def get_one(self, id_: str) -> Any:
        return self.find(int(id_)) if id_.isascii() and id_.isdigit() and int(id_) <= MAX_ID else abort(404)

    def create_model(self, form: Form) -> Any:
        """What was made, or False where it was refused."""
        done = []
        with self.acting(f"{self._thing()}.create") as trail:
            made = self.make(form)
            session().flush()
            trail.add_new(made)
            done.append(made)
        return done[0] if done else False

    def update_model(self, form: Form, thing: Any) -> bool:
        done = []
        with self.acting(f"{self._thing()}.change", thing):
            self.change(thing, form)
            done.append(thing)
        return bool(done)

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> Response:
        """A few things whose text has the query in it: [[id, text], …]."""
        wanted = self.look_ups().get(request.args.get("name", ""))
        if wanted is None:
            abort(404)
        query = CONTROL_CHARACTERS.sub("", request.args.get("query", "")).strip()[:MAX_SEARCH]
        found = self.looking_up(wanted, query).order_by(wanted.selected_columns.text).limit(LOOK_UP_ROWS)
        return jsonify([[row.id, row.text] for row in session().execute(found)])

    def _thing(self) -> str:
        return str(self.model.__name__).lower()


def tell(refusal: Refusal) -> None:
    """The refusal's sentence, and what is wrong with which field."""
    flash(refusal_text(refusal), "error")
    for error in refusal.errors:
        flash(error.message, "error")
