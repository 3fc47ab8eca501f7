"""Who may read the catalog."""

from shop.auth.access import Access, View, state_access
from shop.catalog.caching import ALONG
from shop.config import current_settings


def catalog_reader(view: View) -> View:
    """Anybody while the catalog is public, otherwise everybody who is logged in; then an API key needs the scope."""
    return state_access(view, Access(roles=None, scope="catalog:read", is_open=_is_catalog_public, along=ALONG))


def _is_catalog_public() -> bool:
    return current_settings().catalog_public
