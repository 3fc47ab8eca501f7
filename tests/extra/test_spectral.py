"""Spectral, the linter that many API gateways and reviewers use, finds nothing to complain about in the document."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from shop.http.openapi import document_text

SPECTRAL = os.environ.get("SPECTRAL") or shutil.which("spectral")


@pytest.mark.skipif(not SPECTRAL, reason="no spectral on PATH or in SPECTRAL: npm install -g @stoplight/spectral-cli")
def test_the_document_has_neither_errors_nor_warnings(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(document_text(app), encoding="utf-8")
    (tmp_path / "rules.yaml").write_text('extends: ["spectral:oas"]\n', encoding="utf-8")
    command = [str(SPECTRAL), "lint", "--ruleset", "rules.yaml", "--fail-severity", "warn", "openapi.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
