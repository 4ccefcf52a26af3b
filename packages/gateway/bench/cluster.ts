/**
 * What a member of a cluster costs beside a gateway with files: a push at the leader, a record at those that follow, and joining with nothing.
 * The log is in memory, so what an engine costs is not in it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

import { openGateway } from 'prom-aggregation-gateway';
import type { EmbeddedGateway } from 'prom-aggregation-gateway';

import type { LogBlock, SharedLog } from '../dist/cluster/log/shared-log.js';
import { ReplicatedJournal } from '../dist/cluster/replicated-journal.js';
import { realTiming } from '../dist/cluster/timing.js';
import { embed } from '../dist/embed.js';
import { largePush, smallPush } from './data.ts';

const IN_FLIGHT = 64;
const ROUNDS = 5;
const PUSH_SERIES = 10_000;

class LogInMemory implements SharedLog {
  readonly blockBytesMax = 1024 * 1024;
  readonly blocks: Uint8Array[] = [];
  #snapshot: { readonly number: number; readonly parts: readonly Uint8Array[] } | undefined;
  readonly members = { put: async () => {}, list: async () => [] };

  async append(after: number, block: Uint8Array): Promise<'appended' | 'overtaken'> {
    if (after !== this.blocks.length) return 'overtaken';
    this.blocks.push(block);
    await nextTurn();
    return 'appended';
  }

  async *tail(after: number, signal: AbortSignal): AsyncGenerator<LogBlock, void> {
    for (let number = after + 1; number <= this.blocks.length; number += 1)
      yield { number, bytes: this.blocks[number - 1]! };
    await sleep(3_600_000, undefined, { signal, ref: false }).catch(() => undefined);
  }

  async end(): Promise<number> {
    return this.blocks.length;
  }

  async putSnapshot(number: number, given: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const part of given) parts.push(Uint8Array.from(part));
    this.#snapshot = { number, parts };
  }

  async snapshots(): Promise<readonly number[]> {
    return this.#snapshot === undefined ? [] : [this.#snapshot.number];
  }

  async *getSnapshot(): AsyncGenerator<Uint8Array, void> {
    yield* this.#snapshot?.parts ?? [];
  }

  async trim(): Promise<void> {}

  withoutSnapshot(): LogInMemory {
    const log = new LogInMemory();
    log.blocks.push(...this.blocks);
    return log;
  }

  async close(): Promise<void> {}
}

function journalOn(log: SharedLog, leaseMs: number): ReplicatedJournal {
  return new ReplicatedJournal({
    log,
    timing: { ...realTiming, random: () => 0 },
    name: 'bench',
    url: 'http://localhost',
    self: { cluster: 'bench', url: 'http://localhost' },
    leaseMs,
    holdMs: 60_000,
    writer: new Uint8Array(8).fill(leaseMs % 256),
    newLog: new Uint8Array(16),
    ledgerMs: () => 0,
    onFailure: (error) => {
      throw error;
    },
    onAhead() {},
    onRefounded() {},
    takeSnapshot: async () => undefined,
  });
}

/** Lines to print. */
export async function clusterLines({ smoke }: { readonly smoke: boolean }): Promise<string[]> {
  return [...(await pushLines(smoke ? 500 : 40_000)), ...(await joinLines(smoke ? 20_000 : 1_000_000))];
}

async function pushLines(pushes: number): Promise<string[]> {
  const body = new TextEncoder().encode(smallPush());
  const folder = await mkdtemp(join(tmpdir(), 'bench-cluster-'));
  const files = await openGateway({ storage: { path: folder } });
  const log = new LogInMemory();
  const member = embed({}, journalOn(log, 1));
  await member.gateway.open(Number.POSITIVE_INFINITY);
  const ratios: number[] = [];
  const micros: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const withFiles = await cpuOf(files, body, pushes);
    const withLog = await cpuOf(member.embedded, body, pushes);
    ratios.push(withLog / withFiles);
    micros.push(withLog);
  }
  await files.close();
  await rm(folder, { recursive: true });
  // It hands over.
  await member.embedded.close();
  const cpuMicros: number[] = [];
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { seconds, cpuSeconds, records } = await joined(log);
    cpuMicros.push((1e6 * cpuSeconds) / records);
    rates.push(records / seconds);
  }
  return [
    `cluster, small push at the leader: ${median(micros).toFixed(1)} µs of CPU, ${median(ratios).toFixed(2)} × that with files, log in memory`,
    `cluster, following: ${median(cpuMicros).toFixed(2)} µs of CPU a record, ${Math.round(median(rates))} records/s`,
  ];
}

/** Lines to print: a digest of a state of so many series, at who made it and at who has read its records. */
export async function digestLines(series: number): Promise<string[]> {
  const lines: string[] = [];
  for (const byJob of [false, true]) {
    const log = new LogInMemory();
    const options = { byJob, limits: { seriesMax: series } };
    const leader = embed(options, journalOn(log, 1));
    await leader.gateway.open(Number.POSITIVE_INFINITY);
    for (let from = 0; from < series; from += PUSH_SERIES) {
      const body = largePush({ series: Math.min(PUSH_SERIES, series - from), from });
      await leader.embedded.push(body, { path: `job/${from}` });
    }
    const made = await digestOf(leader);
    await leader.embedded.close();
    const follower = embed(options, journalOn(log, 2));
    await follower.gateway.open(Number.POSITIVE_INFINITY);
    const read = await digestOf(follower);
    await follower.embedded.close();
    if (made.digest !== read.digest) throw new Error('the digests differ');
    const name = `cluster, digest of ${series} series${byJob ? ', by-job' : ''}`;
    for (const [who, { cpuMs, turnMs }] of Object.entries({ leader: made, follower: read }))
      lines.push(
        `${name}, ${who}: ${cpuMs.toFixed(0)} ms of CPU, longest turn ${turnMs.toFixed(1)} ms of CPU`,
      );
  }
  return lines;
}

/** The third, as the first ones are slower. A turn is from one look at the event loop to the next. */
async function digestOf({ gateway }: ReturnType<typeof embed>) {
  await gateway.digest();
  await gateway.digest();
  const cpu = process.cpuUsage();
  let turnMs = 0;
  let before = process.cpuUsage();
  let isDone = false;
  const look = (): void => {
    const { user, system } = process.cpuUsage(before);
    turnMs = Math.max(turnMs, (user + system) / 1000);
    before = process.cpuUsage();
    if (!isDone) setImmediate(look);
  };
  setImmediate(look);
  const { digest } = await gateway.digest();
  isDone = true;
  const { user, system } = process.cpuUsage(cpu);
  return { digest, cpuMs: (user + system) / 1000, turnMs };
}

async function joinLines(series: number): Promise<string[]> {
  const log = new LogInMemory();
  const leader = embed({ limits: { seriesMax: 2 * series } }, journalOn(log, 1));
  await leader.gateway.open(Number.POSITIVE_INFINITY);
  const bodyFrom = (from: number): Uint8Array => Buffer.from(largePush({ series: PUSH_SERIES, from }));
  for (let from = 0; from < series; from += PUSH_SERIES) await leader.embedded.push(bodyFrom(from));
  const pushed = log.blocks.length;
  await leader.gateway.snapshots.take();
  await leader.embedded.push(bodyFrom(0));
  await leader.embedded.close();
  const bySnapshot = await joined(log);
  if (bySnapshot.records !== 1) throw new Error('it did not begin with the snapshot');
  // As with a log whose first snapshot is yet to come.
  const byRecords = await joined(log.withoutSnapshot());
  return [
    `cluster, joining with ${series} series: ${bySnapshot.seconds.toFixed(2)} s by a snapshot (${bySnapshot.cpuSeconds.toFixed(2)} s of CPU), ` +
      `${byRecords.seconds.toFixed(2)} s by the ${pushed} blocks of before`,
  ];
}

/** Of a member that has nothing, until it could lead. */
async function joined(
  log: SharedLog,
): Promise<{ readonly seconds: number; readonly cpuSeconds: number; readonly records: number }> {
  const member = embed({}, journalOn(log, 1));
  const [cpu, begun] = [process.cpuUsage(), performance.now()];
  const { records } = await member.gateway.open(Number.POSITIVE_INFINITY);
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await member.embedded.close();
  return { seconds, cpuSeconds: (user + system) / 1e6, records };
}

async function cpuOf(gateway: EmbeddedGateway, body: Uint8Array, pushes: number): Promise<number> {
  const cpu = process.cpuUsage();
  let left = pushes;
  const sender = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await gateway.push(body);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / pushes;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
