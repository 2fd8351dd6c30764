"""What /metrics says."""

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from tests.support.server import ServerProcess


def metrics(server: ServerProcess, **headers: str) -> dict[str, float]:
    """Samples by name and labels: `sessionmood_events_total{outcome=accepted}`."""
    answer = httpx2.get(f"{server.base}/metrics", headers=headers)
    assert answer.status_code == 200
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found
