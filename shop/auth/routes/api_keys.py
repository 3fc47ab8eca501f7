"""API keys: for programs. They cannot make or see keys themselves."""

from typing import Any

from shop.auth import api_keys
from shop.auth.access import authenticated, current_token, current_user, known_scopes, public
from shop.auth.routes.blueprint import blueprint
from shop.auth.token_schemas import ApiKeysSchema, CreateApiKeySchema, CreatedApiKeySchema, ScopesSchema
from shop.database import transaction
from shop.http.blueprint import refuses


@blueprint.route("/scopes", methods=["GET"])
@public
@blueprint.response(200, ScopesSchema)
def list_scopes() -> dict[str, Any]:
    """List the scopes that an API key can have

    Each with the operations that it opens. An operation that none of them names is for sessions only.
    """
    items = [{"scope": scope, "operations": operations} for scope, operations in known_scopes().items()]
    return {"items": items, "next_cursor": None}


@blueprint.route("/api-keys", methods=["GET"])
@authenticated()
@blueprint.response(200, ApiKeysSchema)
def list_api_keys() -> dict[str, Any]:
    """List your API keys, the latest first

    All on one page: name, scopes, end, last use, and the first characters to know it by. The key itself is never shown
    again.
    """
    return {"items": api_keys.api_keys_of(current_user()), "next_cursor": None}


@blueprint.route("/api-keys", methods=["POST"])
@authenticated()
@refuses(api_keys.ScopeUnknown, api_keys.ExpiryPassed, api_keys.TooManyApiKeys)
@blueprint.arguments(CreateApiKeySchema)
@blueprint.response(201, CreatedApiKeySchema)
def create_api_key(body: dict[str, Any]) -> dict[str, Any]:
    """Make an API key

    It is shown this once; send it like an access token. It may do what its scopes say and you may yourself, and has an
    allowance of requests of its own. `GET auth/scopes` lists the scopes.
    """
    with transaction():
        key, secret = api_keys.create_api_key(
            current_user(), known_scopes=known_scopes().keys(), by_token=current_token(), **body
        )
        names = ("id", "name", "prefix", "scopes", "created_at", "last_used_at", "expires_at")
        return {name: getattr(key, name) for name in names} | {"api_key": secret}


@blueprint.route("/api-keys/<id:api_key_id>", methods=["DELETE"])
@authenticated()
@refuses(api_keys.ApiKeyNotFound)
@blueprint.response(204)
def delete_api_key(api_key_id: int) -> None:
    """Delete one of your API keys

    It opens nothing from the next request on. One that somebody else made is an unknown one.
    """
    with transaction():
        api_keys.delete_api_key(current_user(), api_key_id)
