"""The Celery application, for `celery -A celery_worker:celery worker` and `celery -A celery_worker:celery beat`."""

import gc

from shop import create_app

app = create_app()
celery = app.extensions["celery"]

# What is loaded by now stays: no use in looking through it for garbage again and again, in every child.
gc.collect()
gc.freeze()
