"""The blueprint of price lists, and how it reads what suppliers send."""

from typing import Any

from flask import Request, request
from webargs.flaskparser import is_json_request

from shop.config import current_settings
from shop.http.blueprint import ApiBlueprint, StrictParser

REST_OF_FORM = 2**16


class FormOrJsonParser(StrictParser):
    """The fields of a form may come as JSON, too, where no file is sent."""

    def load_files(self, req: Request, schema: Any) -> Any:
        return self.load_json(req, schema) if is_json_request(req) else super().load_files(req, schema)


blueprint = ApiBlueprint(
    "price-lists",
    __name__,
    url_prefix="/api/v1/catalog",
    description="Suppliers send their lists, see row by row what became of them, and decide",
)
blueprint.ARGUMENTS_PARSER = FormOrJsonParser()


def take_larger_body() -> None:
    """Before anything reads the form, and after access was checked: strangers cannot send as much."""
    largest_file = current_settings().max_price_list_mib * 2**20
    request.max_content_length = largest_file + REST_OF_FORM


def _take_larger_bodies() -> None:
    if request.endpoint == "price-lists.upload_price_list":
        take_larger_body()


blueprint.before_request(_take_larger_bodies)
