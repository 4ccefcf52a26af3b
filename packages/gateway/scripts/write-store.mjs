/**
 * Writes the store that test/upgrade.test.ts opens into test/stores/<version>, by the version in package.json. To be run after a build, and
 * its output committed, before that version is released; stores of released versions stay as they are.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { versionsOf } from '../../../deploy/release/changelog.mjs';
import { openGateway } from '../dist/index.js';
import { version } from '../dist/version.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const released = versionsOf(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')).find(
  (each) => each.version === version,
);
const folder = fileURLToPath(new URL(`../test/stores/${version}/`, import.meta.url));
if (released?.date !== undefined && existsSync(folder)) {
  process.stderr.write(`${version} is released, and its store stays as it is; change the version first\n`);
  process.exit(1);
}

/** What leaves something in a store that only rules do. */
const rules = `sources:
  - match: '{job="adds"}'
    mode: add
    job_series_max: 100
metrics:
  - { match: temperature, gauge: max }
  - { match: last_run, gauge: last, ttl: 30d }
  - { match: peak, gauge: max, window: 30d }
  - { match: wait_seconds, buckets: [0.5, 2] }
`;
const path = mkdtempSync(join(tmpdir(), 'gateway-store-'));
const storage = { path, bytesMax: 1 << 20, snapshotIntervalMs: 300 };
const options = { byJob: true, summaries: 'sum-and-count', openmetricsCreated: true };
const gateway = await openGateway({ ...options, rules, storage });

const push = (job, total, options = {}) =>
  gateway.push(
    `# HELP requests_total Requests served.
# TYPE requests_total counter
requests_total{code="200"} ${total}
# TYPE queued gauge
queued ${total / 10}
# TYPE temperature gauge
temperature ${total}
# TYPE last_run gauge
last_run ${total}
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.5"} ${total}
wait_seconds_bucket{le="1"} ${total}
wait_seconds_bucket{le="+Inf"} ${total + 1}
wait_seconds_sum ${total * 0.3}
wait_seconds_count ${total + 1}
# TYPE size_bytes summary
size_bytes_sum ${total * 100}
size_bytes_count ${total}
`,
    { path: `job/${job}`, ...options },
  );
const add = (peak) =>
  gateway.push(`# TYPE runs_total counter\nruns_total 1\n# TYPE peak gauge\npeak ${peak}\n`, {
    path: 'job/adds',
  });
const pushOpenmetrics = (job, total) =>
  gateway.push(
    `# TYPE jobs counter
jobs_total ${total} # {trace_id="${job}"} 1 1700000000
jobs_created 1600000000
# TYPE speed_meters gauge
# UNIT speed_meters meters
speed_meters ${total}
# TYPE build info
build_info{version="1"} 1
# EOF
`,
    { path: `job/${job}/format/openmetrics`, format: 'openmetrics' },
  );

await push('a', 3, { idempotencyKey: 'before the snapshot' });
await push('b', 4);
await pushOpenmetrics('a', 7);
await add(9);
const hasSnapshot = () => readdirSync(path).some((name) => name.endsWith('.snap'));
while (!hasSnapshot()) await new Promise((resolve) => setTimeout(resolve, 50));
await push('a', 5, { idempotencyKey: 'after the snapshot' });
await push('c', 2);
await pushOpenmetrics('b', 1);
await add(2);
await gateway.delete('job/b');
const pages = [
  ['page.txt', await gateway.scrape()],
  ['page.openmetrics.txt', await gateway.scrape({ format: 'openmetrics' })],
];
await gateway.close();

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
cpSync(path, join(folder, 'data'), { recursive: true });
writeFileSync(join(folder, 'rules.yaml'), rules);
for (const [name, page] of pages) writeFileSync(join(folder, name), page);
rmSync(path, { recursive: true, force: true });
