from prometheus_client import CollectorRegistry, Counter, push_to_gateway
from prometheus_client.exposition import default_handler
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

registry = CollectorRegistry()
Counter('files', 'Files saved.', registry=registry).inc(1, exemplar={'trace_id': 'abc'})

def openmetrics(url, method, timeout, headers, data):
    return default_handler(url, method, timeout, [('Content-Type', CONTENT_TYPE_LATEST)], generate_latest(registry))

push_to_gateway('localhost:9091', job='backup', grouping_key={'instance': '7'}, registry=registry, handler=openmetrics)
