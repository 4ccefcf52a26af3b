/**
 * Writes the store that test/upgrade.test.ts opens, in the format of this version, into test/stores/<format>. To be run, and its
 * output committed, when a version is released whose stores look different; stores of earlier versions stay as they are.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { openGateway } from '../dist/index.js';

const FORMAT = 1;
const folder = fileURLToPath(new URL(`../test/stores/${FORMAT}/`, import.meta.url));
const path = mkdtempSync(join(tmpdir(), 'gateway-store-'));
const storage = { path, bytesMax: 1 << 20, snapshotIntervalMs: 300 };
const gateway = await openGateway({ byJob: true, summaries: 'sum-and-count', storage });

const push = (job, total, options = {}) =>
  gateway.push(
    `# HELP requests_total Requests served.
# TYPE requests_total counter
requests_total{code="200"} ${total}
# TYPE queued gauge
queued ${total / 10}
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.5"} ${total}
wait_seconds_bucket{le="+Inf"} ${total + 1}
wait_seconds_sum ${total * 0.3}
wait_seconds_count ${total + 1}
# TYPE size_bytes summary
size_bytes_sum ${total * 100}
size_bytes_count ${total}
`,
    { path: `job/${job}`, ...options },
  );
await push('a', 3, { idempotencyKey: 'before the snapshot' });
await push('b', 4);
const hasSnapshot = () => readdirSync(path).some((name) => name.endsWith('.snap'));
while (!hasSnapshot()) await new Promise((resolve) => setTimeout(resolve, 50));
await push('a', 5, { idempotencyKey: 'after the snapshot' });
await push('c', 0.1);
await gateway.delete('job/b');
const page = await gateway.scrape();
await gateway.close();

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
cpSync(path, join(folder, 'data'), { recursive: true });
writeFileSync(join(folder, 'page.txt'), page);
rmSync(path, { recursive: true, force: true });
