/** `prom-aggregation-gateway storage …`: looks into a store that no gateway uses at the time, and changes nothing. */
import { once } from 'node:events';

import { FilesInForce } from './store/files-in-force.ts';
import { Forwarded } from './store/forwarded.ts';
import { IdempotencyKeys } from './store/idempotency-keys.ts';
import { State } from './state/state.ts';
import type { StorageCommand } from './config/parse.ts';
import { defaultExpositionOptions } from './exposition/family-writer.ts';
import { ScrapeCache } from './exposition/scrape-cache.ts';
import { encodeExposition } from './exposition/page.ts';
import { plainText } from './model/exposition-format.ts';
import { modeOf } from './store/aggregation-config.ts';
import { initialAggregation } from './gateway/ledger/ledger.ts';
import { defaultLimits } from './store/limits.ts';
import { recoverState } from './gateway/ledger/recovery.ts';
import type { Recovery } from './gateway/ledger/recovery.ts';
import { openFileJournal } from './journal/file-journal.ts';
import { inspectStore } from './journal/inspect.ts';
import type { StoreReport } from './journal/inspect.ts';
import { StorageProblem } from './journal/journal.ts';
import { formatSize } from './primitives/size.ts';
import { viewOf } from './read/view.ts';
import { randomSeed } from './primitives/hash.ts';
import type { Log } from './primitives/log.ts';

interface Contents {
  readonly state: State;
  readonly keys: IdempotencyKeys;
  readonly recovery: Recovery;
}

/** Resolves with the exit code: 1 when the store is damaged or cannot be read. */
export async function runStorageCommand(command: StorageCommand, path: string, log: Log): Promise<number> {
  try {
    switch (command) {
      case 'inspect':
        return await inspect(path, log);
      case 'verify':
        return await verify(path, log);
      case 'export':
        return await exportExposition(path, log);
    }
  } catch (error) {
    if (!(error instanceof StorageProblem)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

async function inspect(path: string, log: Log): Promise<number> {
  const report = await inspectStore(path, log);
  for (const [name, value] of describeFiles(path, report)) print(name, value);
  // What cannot be recovered can still be told of by its files.
  if (report.damages.length === 0) {
    for (const [name, value] of describeContents(await readContents(path, log))) print(name, value);
  }
  return tellDamages(report);
}

async function verify(path: string, log: Log): Promise<number> {
  const report = await inspectStore(path, log);
  if (report.damages.length > 0) return tellDamages(report);
  if (report.storeId === undefined) {
    process.stderr.write(`no store found in ${path}\n`);
    return 1;
  }
  const { recovery, state } = await readContents(path, log);
  process.stdout.write(
    `whole: snapshot of position ${recovery.snapshotLogIndex} and ${recovery.records} records after it, ${state.accumulators.size} series\n`,
  );
  return 0;
}

async function exportExposition(path: string, log: Log): Promise<number> {
  const { state } = await readContents(path, log);
  const view = viewOf(state);
  for await (const slice of encodeExposition(view, plainText, {
    kept: new ScrapeCache(0),
    options: { ...defaultExpositionOptions, nativeAsClassic: view.nativeAsClassic },
    onLeftOut() {},
  })) {
    if (!process.stdout.write(slice)) await once(process.stdout, 'drain');
  }
  return 0;
}

async function readContents(path: string, log: Log): Promise<Contents> {
  const journal = await openFileJournal({
    path,
    sync: 'commit',
    syncIntervalMs: 1_000,
    bytesMax: Number.MAX_SAFE_INTEGER,
    onCorruption: 'fail',
    readOnly: true,
    log,
    onFailure: () => {},
    onPressure: () => {},
  });
  try {
    const seed = randomSeed();
    const state = new State(initialAggregation, defaultLimits, seed);
    const keys = new IdempotencyKeys({ windowMs: Infinity, keysMax: Infinity }, seed);
    const target = {
      state,
      keys,
      forwarded: new Forwarded(),
      files: new FilesInForce(),
      lastPushMs: undefined,
    };
    return { state, keys, recovery: await recoverState(journal, target) };
  } finally {
    await journal.close();
  }
}

function* describeFiles(path: string, report: StoreReport): Generator<readonly [string, string]> {
  yield ['store', path];
  yield ['id', report.storeId ?? 'none: no store found'];
  yield ['format', String(report.formatVersion)];
  yield ['size', `${formatSize(report.totalBytes)} (${report.totalBytes} bytes)`];
  yield ['position', String(report.lastLogIndex)];
  for (const { logIndex, bytes, whole } of report.snapshots) {
    yield ['snapshot', `of position ${logIndex}, ${bytes} bytes, ${whole ? 'whole' : 'damaged'}`];
  }
  for (const { first, last, bytes, blocks } of report.segments) {
    const records = last < first ? 'no records yet' : `records ${first} to ${last} in ${blocks} commits`;
    yield ['segment', `${records}, ${bytes} bytes`];
  }
  if (report.tornBytes > 0)
    yield ['torn', `${report.tornBytes} bytes of an incomplete commit that was never acknowledged`];
}

function* describeContents({ state, keys, recovery }: Contents): Generator<readonly [string, string]> {
  const { counterResets, summaries, pathLabels = 'unknown' } = state.aggregation;
  const mode = modeOf(state.aggregation);
  yield [
    'mode',
    `${mode}, counter resets ${counterResets}, summaries ${summaries}, path labels ${pathLabels}`,
  ];
  yield ['replay', `${recovery.records} records after the snapshot, ${recovery.seconds.toFixed(3)} s`];
  yield ['series', String(state.accumulators.size)];
  yield ['families', String(state.families.size)];
  yield ['sources', `${state.sources.liveCount} live, ${state.sources.prunedCount} pruned`];
  yield ['keys', String(keys.size)];
}

function tellDamages({ damages }: StoreReport): number {
  for (const damage of damages) process.stderr.write(`damaged: ${damage}\n`);
  return damages.length > 0 ? 1 : 0;
}

function print(name: string, value: string): void {
  process.stdout.write(`${name.padEnd(10)}${value}\n`);
}
