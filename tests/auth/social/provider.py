"""A provider in a process of its own: oidc-provider-mock, made as strict as real ones and speaking GitHub and Yandex.

`python -m tests.auth.social.provider SECRET` prints its address; every client has that secret.
`PUT /users/{sub}` says what it tells about a person.
"""

import base64
import hashlib
import os
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import oidc_provider_mock
from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server


def make_provider(secret: str) -> Flask:
    app = oidc_provider_mock.app()
    challenges: dict[str, str] = {}

    @app.after_request
    def remember_the_challenge(response: Response) -> Response:
        """The mock ignores PKCE, and forgets the state where the person denies."""
        if request.path == "/oauth2/authorize" and response.location:
            code = parse_qs(urlsplit(response.location).query).get("code")
            if code and request.args.get("code_challenge_method") == "S256":
                challenges[code[0]] = request.args["code_challenge"]
            if not code:
                response.location += f"&state={request.args['state']}"
        return response

    @app.before_request
    def check_the_verifier_and_the_secret() -> tuple[Response, int] | None:
        if request.path != "/oauth2/token":
            return None
        digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenges.pop(request.form["code"], None) != challenge:
            return jsonify(error="invalid_grant"), 400
        if not request.authorization or request.authorization.password != secret:
            return jsonify(error="invalid_client"), 401
        return None

    @app.get("/profile/<what>")
    def profile(what: str) -> Response:
        """A claim of the person's as an API of its own: GitHub's user and emails, Yandex's info."""
        return jsonify(claims()[what])

    @app.get("/hangs-up")
    def hang_up() -> tuple[str, int]:
        return "out of order", 500

    def claims() -> Any:
        inner = app.test_client().get("/userinfo", headers={"Authorization": request.headers["Authorization"]})
        return inner.get_json()

    return app


if __name__ == "__main__":
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    server = make_server("127.0.0.1", 0, make_provider(sys.argv[1]), threaded=True)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201 - the address is the output
    server.serve_forever()
