/**
 * What it costs to keep small pushes on disk: beside a gateway that keeps them in memory, a bare server and any peers, by turns; and
 * what one sender alone gets, beside what the disk allows it, measured by writing to it in the same turns.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { smallPush } from '../data.ts';
import { readSample } from './client.ts';
import type { Options } from './options.ts';
import { startBare, startGateway, storageFolder, temporaryFolder } from './processes.ts';
import type { Server, Target } from './processes.ts';
import { oneRound, peerTarget } from './pushes.ts';
import type { PushFigures } from './pushes.ts';
import { times } from './report.ts';
import type { Finding } from './report.ts';
import { mean, median } from './statistics.ts';
import { prepareLoad } from './wrk.ts';

const FEW = 16;
const MANY = 64;
/** Of a block, besides its record; blocks end at multiples of 64 bytes. */
const BLOCK_OVERHEAD_BYTES = 40;
const BLOCK_ALIGN_BYTES = 64;
/** What the disk is asked to write over again and again, as a segment of the journal that was filled with zeros before. */
const DISK_FILE_BYTES = 4 * 1024 * 1024;

interface Servers {
  readonly bare: Server;
  readonly memory: Server;
  readonly durable: Server;
}

type Rounds = ReadonlyMap<Target, readonly PushFigures[]>;

export async function measureDurableCost(options: Options): Promise<readonly Finding[]> {
  const servers: Servers = {
    bare: await startBare(),
    memory: await startGateway(),
    durable: await startGateway({ storage: storageFolder('cost') }),
  };
  const findings = [
    ...(await overFew(servers, options)),
    ...(await overMany(servers, options)),
    await overOne(servers, options),
  ];
  for (const server of Object.values(servers) as readonly Server[]) await server.stop();
  return findings;
}

async function overFew({ bare, memory, durable }: Servers, options: Options): Promise<readonly Finding[]> {
  const peers = options.peers.map(peerTarget);
  const rounds = await inTurn([bare, memory, durable, ...peers], FEW, options);
  const cpu = (target: Target): number => medianOf(rounds, target, 'cpuMicros');
  const figures = (other: Target): string =>
    `${times(cpu(durable) / cpu(other))} (${cpu(durable).toFixed(1)} µs, ${other === memory ? 'memory' : other.name} ${cpu(other).toFixed(1)} µs)`;
  return [
    {
      work: `durable: small push over ${FEW} connections, CPU per push`,
      reach: '≤ 1.2 × of memory mode',
      measured: figures(memory),
      met: cpu(durable) / cpu(memory) <= 1.2,
    },
    { work: '… beside the bare server', reach: '', measured: figures(bare) },
    ...peers.map((peer) => ({
      work: `… beside ${peer.name}`,
      reach: '≤ 1 ×',
      measured: figures(peer),
      met: cpu(durable) <= cpu(peer),
    })),
    rateOf(rounds, { memory, durable }),
  ];
}

async function overMany({ memory, durable }: Servers, options: Options): Promise<readonly Finding[]> {
  const rounds = await inTurn([memory, durable], MANY, options);
  const [inMemory, onDisk] = [memory, durable].map((server) => medianOf(rounds, server, 'cpuMicros'));
  return [
    {
      work: `durable: small push over ${MANY} connections, CPU per push`,
      reach: '≤ 1.2 × of memory mode',
      measured: `${times(onDisk! / inMemory!)} (${onDisk!.toFixed(1)} µs, memory ${inMemory!.toFixed(1)} µs)`,
      met: onDisk! / inMemory! <= 1.2,
    },
    {
      ...rateOf(rounds, { memory, durable }),
      reach: '≥ 0.8 × of memory mode',
      met: rateRatio(rounds, { memory, durable }) >= 0.8,
    },
  ];
}

function rateRatio(rounds: Rounds, { memory, durable }: Pick<Servers, 'memory' | 'durable'>): number {
  return medianOf(rounds, durable, 'pushesPerSecond') / medianOf(rounds, memory, 'pushesPerSecond');
}

function rateOf(rounds: Rounds, servers: Pick<Servers, 'memory' | 'durable'>): Finding {
  const of = (figure: keyof PushFigures): number => medianOf(rounds, servers.durable, figure);
  return {
    work: '… pushes/s',
    reach: '',
    measured: `${times(rateRatio(rounds, servers))} of memory mode (${of('pushesPerSecond').toFixed(0)}/s, p99 ${of('p99Ms').toFixed(1)} ms)`,
  };
}

/** One sender waits for each reply: a push takes it a round trip and a sync, which cannot go on at once. */
async function overOne({ memory, durable }: Servers, options: Options): Promise<Finding> {
  const { sizes } = options;
  const bytes = await blockBytesOf(durable);
  const syncs: number[] = [];
  const rates = new Map<Server, number[]>([
    [memory, []],
    [durable, []],
  ]);
  for (let round = -1; round < sizes.rounds; round += 1) {
    const sync = await secondsOfSync(bytes, sizes.roundSeconds / 2);
    if (round >= 0) syncs.push(sync);
    for (const [server, measured] of rates) {
      const { pushesPerSecond } = await oneRound(server, loadOf(server, 1), sizes.roundSeconds);
      if (round >= 0) measured.push(pushesPerSecond);
    }
  }
  const [inMemory, onDisk] = [memory, durable].map((server) => median(rates.get(server)!));
  const sync = median(syncs);
  const allowed = 1 / (1 / inMemory! + sync);
  return {
    work: 'durable: small push over 1 connection, pushes/s',
    reach: '≥ 0.9 × of what a push in memory and a sync after it allow',
    measured: `${times(onDisk! / allowed)} (${onDisk!.toFixed(0)}/s; ${inMemory!.toFixed(0)}/s in memory, ${(1 / sync).toFixed(0)} syncs/s)`,
    met: onDisk! / allowed >= 0.9,
  };
}

/** How long the disk takes for a synced write of so many bytes, one after another, on average. */
async function secondsOfSync(bytes: number, seconds: number): Promise<number> {
  const path = join(temporaryFolder(), 'disk');
  const zeros = await open(path, 'w');
  await zeros.write(Buffer.alloc(DISK_FILE_BYTES));
  await zeros.sync();
  await zeros.close();
  const file = await open(path, constants.O_RDWR | constants.O_DSYNC);
  const block = Buffer.alloc(bytes, 1);
  const took: number[] = [];
  const end = performance.now() + seconds * 1000;
  for (let at = 0, now = performance.now(); now < end; at = (at + bytes) % (DISK_FILE_BYTES - bytes)) {
    await file.write(block, 0, bytes, at);
    const done = performance.now();
    took.push((done - now) / 1000);
    now = done;
  }
  await file.close();
  return mean(took);
}

async function blockBytesOf(durable: Server): Promise<number> {
  const own = (name: string): Promise<number> =>
    readSample(`${durable.url}/-/metrics`, `prom_aggregation_gateway_${name}`);
  const record =
    (await own('storage_record_bytes_total')) / (await own('pushes_total{result="accepted",code="ok"}'));
  return Math.ceil((BLOCK_OVERHEAD_BYTES + record) / BLOCK_ALIGN_BYTES) * BLOCK_ALIGN_BYTES;
}

async function inTurn(targets: readonly Target[], connections: number, { sizes }: Options): Promise<Rounds> {
  const measured = new Map(targets.map((target) => [target, [] as PushFigures[]]));
  const loads = targets.map((target) => [target, loadOf(target, connections)] as const);
  for (let round = -1; round < sizes.rounds; round += 1) {
    for (const [target, load] of loads) {
      const figures = await oneRound(target, load, sizes.roundSeconds);
      // The first round finds all of them cold.
      if (round >= 0) measured.get(target)!.push(figures);
    }
  }
  return measured;
}

function loadOf(target: Target, connections: number): ReturnType<typeof prepareLoad> {
  const bodies = [smallPush(0), smallPush(1)].map((text) => Buffer.from(text));
  return prepareLoad(
    bodies.map((body) => ({ url: target.pushUrl(0), body })),
    connections,
  );
}

function medianOf(rounds: Rounds, target: Target, figure: keyof PushFigures): number {
  return median(rounds.get(target)!.map((each) => each[figure]));
}
