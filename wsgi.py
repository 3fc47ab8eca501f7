"""The web application, for any WSGI server: `granian --interface wsgi wsgi:app`."""

import gc

from shop import create_app

app = create_app()
# What has been made until now stays for good: collecting garbage need not look through it again and again.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 20)  # a request makes some thousand objects, and hardly any of them needs to be looked for
