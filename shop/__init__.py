"""A self-hosted ordering service: one catalog that many suppliers fill, orders across them, numbered invoices."""

from pathlib import Path

from flask import Flask

from shop.config import Settings, load_settings

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def create_app(settings: Settings | None = None) -> Flask:
    """The table of contents: what the product consists of, in the order in which it is put together."""
    # importing what is not used here registers tasks and routes
    from flask_migrate import Migrate

    from shop import admin, cli, examples, housekeeping, metrics, subscribers  # noqa: F401
    from shop.auth import access, pages
    from shop.auth.routes import blueprint as auth
    from shop.auth.social import browser_flow as social_pages
    from shop.auth.social import routes as social_routes  # noqa: F401
    from shop.catalog.manager_routes import blueprint as catalog_management
    from shop.catalog.routes import blueprint as catalog
    from shop.celery import create_celery
    from shop.companies import pages as company_pages  # noqa: F401
    from shop.companies import routes as company_routes  # noqa: F401
    from shop.database import db, engine_options
    from shop.database.fast_read import statement_sent
    from shop.http import caching, compression, health, openapi, requests, throttling
    from shop.http.application import Application
    from shop.http.problems import ProblemApi
    from shop.logs import configure_logs, report_errors, tell_of_statement
    from shop.orders.routes import blueprint as orders
    from shop.price_lists.routes import blueprint as price_lists
    from shop.webhooks import openapi as webhook_messages
    from shop.webhooks.routes import blueprint as webhooks

    settings = settings or load_settings()
    configure_logs(settings)
    if report_errors(settings):
        statement_sent.connect(tell_of_statement)
    app = Application(__name__, static_folder=None)
    app.extensions["settings"] = settings
    app.config.update(
        SECRET_KEY=settings.signing_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings),
        SESSION_COOKIE_SECURE=settings.app_env == "production",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",  # a provider's answer is a navigation from another site: Strict would lose it
        MAX_CONTENT_LENGTH=settings.max_body_mib * 2**20,
        **openapi.CONFIGURATION,
    )
    db.init_app(app)
    Migrate(app, db, directory=str(MIGRATIONS))
    create_celery(app, settings)

    requests.init_app(app, settings)
    compression.init_app(app, settings)
    access.init_app(app)  # reads the token before the throttle counts …
    throttling.init_app(app, settings)
    access.init_check(app)  # … and refuses after it
    caching.init_app(app, settings)
    health.init_app(app)
    metrics.init_app(app)
    pages.init_app(app)
    social_pages.init_app(app, settings)
    api = ProblemApi(app)
    openapi.init_app(app, api)
    for blueprint in (auth, catalog, catalog_management, price_lists, orders, webhooks):
        api.register_blueprint(blueprint)
    for document in (openapi.say_what_patches_need, webhook_messages.add_to, examples.add_to):
        api.document_later(document)

    admin.init_app(app)
    cli.init_app(app)
    return app
