"""The extension objects, made without an app; create_app() binds them."""

from flask_migrate import Migrate

from shop.http.problems import ProblemApi

api = ProblemApi()
migrate = Migrate()
