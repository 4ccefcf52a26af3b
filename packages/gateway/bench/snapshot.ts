/** What taking and restoring a snapshot costs: how long the event loop waits, and how long it takes in all. */
import { setImmediate } from 'node:timers';

import { PushBuilder } from '../dist/ingest/push-builder.js';
import { restoreState } from '../dist/snapshot/restore-state.js';
import { State } from '../dist/state/state.js';
import { buffersForSnapshot, takeSnapshot } from '../dist/snapshot/take-snapshot.js';
import { decodeText } from '../dist/exposition/text/decode.js';
import { defaultLimits } from '../dist/store/limits.js';
import { largePush } from './data.ts';

const PUSH_SERIES = 10_000;

/** Lines to print, of a state that so many series were pushed to, in both modes. */
export async function snapshotLines(series: number): Promise<string[]> {
  const lines: string[] = [];
  for (const byJob of [false, true]) lines.push(...(await linesOf(series, byJob)));
  return lines;
}

async function linesOf(series: number, byJob: boolean): Promise<string[]> {
  const state = filled(series, byJob);
  const parts: Uint8Array[] = [];
  const take = await timed(async () => {
    const snapshot = takeSnapshot(state, await buffersForSnapshot(state));
    for await (const part of snapshot.parts) parts.push(part);
    snapshot.close();
  });
  const bytes = parts.reduce((sum, { length }) => sum + length, 0);
  const restored = new State(state.aggregation, defaultLimits, 2);
  const restore = await timed(() => restoreState(inTurn(parts), restored));
  if (restored.accumulators.size !== state.accumulators.size)
    throw new Error('the restored state is another one');
  const name = `snapshot of ${state.accumulators.size} series${byJob ? ', by-job' : ''}`;
  return [
    `${name}: ${(bytes / state.accumulators.size).toFixed(0)} B a series in ${parts.length} parts`,
    `${name}, take: longest block ${take.blockMs.toFixed(1)} ms, ${take.totalMs.toFixed(0)} ms in all`,
    `${name}, restore: longest block ${restore.blockMs.toFixed(1)} ms, ${restore.totalMs.toFixed(0)} ms in all`,
  ];
}

function filled(series: number, byJob: boolean): State {
  const state = new State(
    { byJob, counterResets: 'overwrite', summaries: 'discard' },
    { ...defaultLimits, seriesMax: series },
    1,
  );
  const builder = new PushBuilder(state);
  for (let from = 0; from < series; from += PUSH_SERIES) {
    const body = Buffer.from(largePush({ series: PUSH_SERIES, from }));
    builder.begin(body);
    decodeText(body, 0, body.length, builder);
    const origin = { source: String(from), method: 'PUT', nowMs: 1, wallMs: from } as const;
    state.apply(builder.finish(), body, origin);
  }
  return state;
}

/** `blockMs` is the longest time in which nothing else had its turn. */
async function timed(work: () => Promise<void>): Promise<{ blockMs: number; totalMs: number }> {
  const startMs = performance.now();
  let lastMs = startMs;
  let blockMs = 0;
  let isDone = false;
  const look = (): void => {
    const nowMs = performance.now();
    blockMs = Math.max(blockMs, nowMs - lastMs);
    lastMs = nowMs;
    if (!isDone) setImmediate(look);
  };
  setImmediate(look);
  await work();
  isDone = true;
  look();
  return { blockMs, totalMs: lastMs - startMs };
}

async function* inTurn(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* parts;
}
