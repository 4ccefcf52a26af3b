"""push.py HOST:PORT VERB..., where a verb is push, add or delete."""
import sys

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import delete_from_gateway, push_to_gateway, pushadd_to_gateway

registry = CollectorRegistry()
files = Counter('files', 'Files read.', ['kind'], registry=registry)
left = Gauge('files_left', 'Files left to read.', registry=registry)
seconds = Histogram('read_seconds', 'Time to read.', buckets=(0.5, 1, 5), registry=registry)
files.labels('te"xt\\').inc(3)
left.set(4)
for value in (0.25, 0.75, 9):
    seconds.observe(value)

gateway, verbs = sys.argv[1], sys.argv[2:]
group = {'path': '/var/spool'}
for verb in verbs:
    if verb == 'delete':
        delete_from_gateway(gateway, job='reader', grouping_key=group)
    else:
        call = push_to_gateway if verb == 'push' else pushadd_to_gateway
        call(gateway, job='reader', registry=registry, grouping_key=group)
