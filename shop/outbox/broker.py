"""Whether the broker still holds what it was given: a key that we put there is gone where everything is gone."""

from collections.abc import Collection
from uuid import uuid4

import redis
import structlog

from shop.database import claimed
from shop.outbox.queues import send_waiting_again

log = structlog.get_logger()

EPOCH = "outbox.epoch"


def send_again_what_was_wiped(broker: redis.Redis, tasks: Collection[str]) -> None:
    """Where the key is gone, so are the messages: all that no worker has begun is due again.

    The key is put back last: a relay that dies before leaves the work to the next.
    """
    if broker.exists(EPOCH):
        return
    with claimed(EPOCH, 0) as is_claimed:
        if is_claimed and not broker.exists(EPOCH):
            log.warning("broker_is_empty", sent_again=send_waiting_again(tasks))
            broker.set(EPOCH, uuid4().hex)
