"""Whoever works in English reads English; that each text has its Russian, tests/codebase/test_translations.py says."""

import re

from flask import Flask


def test_an_english_reader_gets_no_russian(app: Flask, desk) -> None:
    for path in ("/admin/", "/admin/orders/", "/admin/audit/", "/admin/companies/", f"/admin/users/{desk.user.id}/"):
        page = desk.get(path).text.replace("Русский", "").replace(desk.user.full_name, "")
        assert not re.findall("[А-Яа-яЁё]+", page), path
