/** What it adds to a push that senders are watched for a wrong mode: the time of a look, held against that of the whole push. */
import { createGateway } from 'prom-aggregation-gateway';

import { initialAggregation } from '../dist/gateway/ledger/ledger.js';
import { defaultLimits } from '../dist/store/limits.js';
import { Suspects } from '../dist/gateway/telemetry/suspects.js';
import { decodeText } from '../dist/exposition/text/decode.js';
import { PushBuilder } from '../dist/ingest/push-builder.js';
import { silentLog } from '../dist/primitives/log.js';
import { State } from '../dist/state/state.js';

const SENDERS = 64;
const ROUNDS = 9;

/** A line for each mode; of pushes of this body by turns to paths of their own, as fast as they are taken. */
export async function suspectLines(name: string, body: Uint8Array, pushes: number): Promise<string[]> {
  const lines: string[] = [];
  for (const byJob of [false, true]) {
    const gateway = createGateway({ byJob });
    const look = looker(body, byJob);
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = process.cpuUsage();
      for (let i = 0; i < pushes; i += 1) await gateway.push(body, { path: `job/${pathOf(i)}` });
      const push = nanosSince(before, pushes);
      // Looks are short, so there are more of them.
      const looks = pushes * 10;
      ratios.push((nanosOf(looks, look) - nanosOf(looks, keyOf)) / push);
    }
    await gateway.close();
    const [median = Number.NaN] = ratios.toSorted((a, b) => a - b).slice(ROUNDS >> 1);
    lines.push(
      `${name}, ${byJob ? 'by-job' : 'add'}: watching for wrong modes takes ${(100 * median).toFixed(2)} % of it`,
    );
  }
  return lines;
}

function pathOf(i: number): string {
  return `bench/instance/${i % SENDERS}`;
}

/** Made anew for each push, as those of paths are that come for the first time. */
function keyOf(i: number): string {
  return `[["job","${pathOf(i)}"]]`;
}

/** Looks at the push of one of many senders. */
function looker(body: Uint8Array, byJob: boolean): (i: number) => void {
  const state = new State({ ...initialAggregation, byJob }, defaultLimits, 1);
  const builder = new PushBuilder(state);
  const origin = { source: '[]', method: 'POST', nowMs: 1, wallMs: 1 } as const;
  for (let twice = 0; twice < 2; twice += 1) {
    builder.begin(body);
    decodeText(body, 0, body.length, builder);
    state.apply(builder.finish(), body, origin);
  }
  const suspects = new Suspects(silentLog, () => performance.now());
  return (i) => suspects.see(keyOf(i), builder.batch, state.accumulators);
}

function nanosOf(times: number, call: (i: number) => unknown): number {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i += 1) call(i);
  return nanosSince(before, times);
}

function nanosSince(before: NodeJS.CpuUsage, times: number): number {
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / times;
}
