"""A web process whose disk is full: its counts, its log, its temporary files. Prints what it answered, as JSON.

Run by test_full_disk.py in a mount namespace of its own, where FULL is a small file system.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

FULL = Path(os.environ["FULL"])
FILL = FULL / "fill"
FORM = b'--part\r\nContent-Disposition: form-data; name="file"; filename="list.csv"\r\n\r\n%s\r\n--part--\r\n'


def main() -> None:
    from shop import create_app, metrics
    from shop.config import load_settings

    client = create_app(load_settings()).test_client()
    tempfile.tempdir = str(FULL)
    fill()
    answered = {"read": client.get("/health/live").status_code, "unknown": client.get("/nothing").status_code}
    headers = {"Authorization": os.environ["TOKEN"], "Content-Type": "multipart/form-data; boundary=part"}
    answer = client.post("/api/v1/catalog/price-lists", headers=headers, data=FORM % (b"x" * 2_000_000))
    answered |= {"upload": answer.status_code, "code": answer.json["code"]}
    FILL.unlink()
    metrics._pause.ends_at = 0
    client.get("/health/live")
    answered["counted"] = counted(metrics, "health.live")
    fill()
    answered["grown"] = count_until_it_fails(metrics)
    FILL.unlink()
    client.get("/nothing")
    metrics._seconds_of("another", 200).observe(1)
    answered["counted again"] = counted(metrics, "another")
    sys.stdout.write(json.dumps(answered))
    sys.stdout.flush()
    os._exit(0)  # the log cannot be flushed


def fill() -> None:
    with FILL.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass


def count_until_it_fails(metrics) -> bool:
    try:
        for number in range(5_000):
            metrics._seconds_of(f"operation {number}", 200).observe(1)
    except OSError:
        return True
    return False


def counted(metrics, operation: str) -> float | None:
    registry = metrics.CollectorRegistry()
    metrics.MultiProcessCollector(registry)
    return registry.get_sample_value("shop_request_seconds_count", {"operation": operation, "status": "200"})


if __name__ == "__main__":
    sys.exit(main())
