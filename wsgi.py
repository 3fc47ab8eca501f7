"""The web application, for any WSGI server: `granian --interface wsgi wsgi:app`."""

import gc

from shop import create_app

app = create_app()
# What has been made until now stays for good: collecting garbage need not look through it again and again.
gc.collect()
gc.freeze()
