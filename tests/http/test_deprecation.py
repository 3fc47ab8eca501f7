"""An operation that will go away says so with every answer, and in the document."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shop.errors import NotFound
from shop.http import openapi
from shop.http.blueprint import ApiBlueprint, deprecated, refuses
from shop.http.problems import ProblemApi


@pytest.fixture
def client() -> FlaskClient:
    """An API of its own: ours has nothing old yet."""
    app = Flask(__name__)
    app.config.update(openapi.CONFIGURATION)
    api = ProblemApi(app)
    openapi.init_app(app, api)
    blueprint = ApiBlueprint("things", __name__, url_prefix="/api/v1")
    since, sunset = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)

    @blueprint.route("/things/<id:thing_id>")
    @deprecated(since=since, sunset=sunset, see="/api/docs/")
    @refuses(NotFound)
    @blueprint.response(200)
    def show_thing(thing_id: int) -> dict[str, Any]:
        """One thing"""
        if thing_id == 2:
            raise NotFound
        return {}

    @blueprint.route("/items")
    @blueprint.response(200)
    def list_items() -> dict[str, Any]:
        """All items"""
        return {}

    api.register_blueprint(blueprint)
    return app.test_client()


@pytest.mark.parametrize(("thing_id", "status"), [(1, 200), (2, 404)])
def test_answers_and_refusals_say_since_when_until_when_and_where_to_read_on(client, thing_id, status) -> None:
    answer = client.get(f"/api/v1/things/{thing_id}")
    assert answer.status_code == status
    assert answer.headers["Deprecation"] == "@1767225600"
    assert answer.headers["Sunset"] == "Wed, 01 Jul 2026 00:00:00 GMT"
    assert answer.headers["Link"] == '</api/docs/>; rel="deprecation"'


def test_other_operations_say_nothing(client: FlaskClient) -> None:
    assert not {"Deprecation", "Sunset", "Link"} & set(client.get("/api/v1/items").headers.keys())


def test_the_document_marks_it(client: FlaskClient) -> None:
    paths = client.get("/api/schema/").json["paths"]
    assert paths["/api/v1/things/{thing_id}"]["get"]["deprecated"] is True
    assert "deprecated" not in paths["/api/v1/items"]["get"]
