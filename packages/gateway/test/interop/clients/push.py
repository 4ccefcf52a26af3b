from prometheus_client import CollectorRegistry, Counter, push_to_gateway

registry = CollectorRegistry()
Counter('files', 'Files saved.', registry=registry).inc()
push_to_gateway('localhost:9091', job='backup', grouping_key={'instance': '7'}, registry=registry)
