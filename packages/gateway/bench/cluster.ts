/** What a member of a cluster costs beside a gateway with files: a push at the leader, and a record at those that follow. The log is in memory, so what an engine costs is not in it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

import { openGateway } from 'prom-aggregation-gateway';
import type { EmbeddedGateway } from 'prom-aggregation-gateway';

import type { LogBlock, SharedLog } from '../dist/cluster/log/shared-log.js';
import { ReplicatedJournal } from '../dist/cluster/replicated-journal.js';
import { realTiming } from '../dist/cluster/timing.js';
import { embed } from '../dist/embed.js';
import { smallPush } from './data.ts';

const IN_FLIGHT = 64;
const ROUNDS = 5;

class LogInMemory implements SharedLog {
  readonly blockBytesMax = 1024 * 1024;
  readonly blocks: Uint8Array[] = [];
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

  async putSnapshot(): Promise<void> {}

  async snapshots(): Promise<readonly number[]> {
    return [];
  }

  async *getSnapshot(): AsyncGenerator<Uint8Array, void> {}

  async trim(): Promise<void> {}

  async close(): Promise<void> {}
}

function journalOn(log: SharedLog, leaseMs: number): ReplicatedJournal {
  return new ReplicatedJournal({
    log,
    timing: { ...realTiming, random: () => 0 },
    name: 'bench',
    url: 'http://localhost',
    self: { cluster: 'bench', url: 'http://localhost', config: '' },
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
  const pushes = smoke ? 500 : 40_000;
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
  const follower = embed({}, journalOn(log, 1));
  const [cpu, begun] = [process.cpuUsage(), performance.now()];
  const { records } = await follower.gateway.open(Number.POSITIVE_INFINITY);
  const seconds = (performance.now() - begun) / 1000;
  const used = process.cpuUsage(cpu);
  const perRecord = (used.user + used.system) / records;
  await follower.embedded.close();
  return [
    `cluster, small push at the leader: ${median(micros).toFixed(1)} µs of CPU, ${median(ratios).toFixed(2)} × that with files, log in memory`,
    `cluster, following: ${perRecord.toFixed(2)} µs of CPU a record, ${Math.round(records / seconds)} records/s`,
  ];
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
