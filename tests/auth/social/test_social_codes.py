"""One-time codes as rows."""

from datetime import timedelta

import pytest
import time_machine

from shop.auth.social.codes import CODE_LIFETIME, make_code, purge_social_codes, use_code
from shop.auth.social.models import LOG_IN, SocialCode
from shop.config import Settings
from shop.database import now, session


def test_codes_are_purged_an_hour_after_they_expired(edge):
    start = now()
    with edge():
        make_code(LOG_IN, provider="google", lifetime=CODE_LIFETIME)
    with time_machine.travel(start + timedelta(minutes=59)), edge():
        assert purge_social_codes() == 0
    with time_machine.travel(start + timedelta(minutes=62)), edge():
        assert purge_social_codes() == 1


def test_the_row_holds_no_secret(edge):
    with edge():
        code, secret = make_code(LOG_IN, provider="google", lifetime=CODE_LIFETIME)
        assert len(secret) >= 43
        assert secret.encode() not in code.hash
        assert isinstance(use_code(secret, LOG_IN), SocialCode)
        session().flush()


def test_return_addresses_must_be_complete(settings):
    values = settings.model_dump()
    for address in ("client.example", "/return", "https:///x", "https://client.example/#code"):
        with pytest.raises(ValueError, match="SOCIAL_RETURN_URL"):
            Settings(**values | {"social_return_url": address})
    several = Settings(**values | {"social_return_url": "https://a.example/ com.example.app:/back"})
    assert several.social_return_urls == ("https://a.example/", "com.example.app:/back")
