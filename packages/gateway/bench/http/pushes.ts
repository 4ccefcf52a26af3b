/**
 * Pushes under load: for each workload all servers take turns in short rounds, and the median of a server's rounds counts.
 * CPU time per push is the steadiest figure, since it does not matter to it what else the machine does.
 */
import { pushAll } from './client.ts';
import type { Options, Peer } from './options.ts';
import { startBare, startGateway, usageDuring } from './processes.ts';
import type { Server, Target } from './processes.ts';
import { median } from './statistics.ts';
import { createWorkload, pushesTo } from './workloads.ts';
import type { Workload } from './workloads.ts';
import { prepareLoad } from './wrk.ts';
import type { Load } from './wrk.ts';

export interface PushFigures {
  readonly pushesPerSecond: number;
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMegabytes: number;
}

export interface ServerFigures {
  readonly name: string;
  readonly figures: PushFigures;
}

export interface PushResult {
  readonly workload: string;
  readonly what: string;
  readonly bodyBytes: number;
  readonly bare: ServerFigures;
  readonly add: ServerFigures;
  readonly byJob: ServerFigures;
  readonly peers: readonly (ServerFigures & { readonly byJob: boolean })[];
}

export async function measurePushes(name: string, options: Options): Promise<PushResult> {
  const workload = createWorkload(name, options.sizes);
  const bare = await startBare();
  const add = await startGateway();
  const byJob = await startGateway({ byJob: true });
  const started: readonly Server[] = [bare, add, byJob];
  const peers = options.peers.map(peerTarget);
  const figures = await measureInTurn([...started, ...peers], workload, options);
  for (const server of started) await server.stop();
  const of = (target: Target): ServerFigures => ({ name: target.name, figures: figures.get(target)! });
  return {
    workload: name,
    what: workload.what,
    bodyBytes: workload.requests.reduce((sum, { body }) => sum + body.length, 0) / workload.requests.length,
    bare: of(bare),
    add: of(add),
    byJob: of(byJob),
    peers: peers.map((peer, i) => ({ ...of(peer), byJob: isByJob(options.peers[i]!) })),
  };
}

export async function measureInTurn(
  targets: readonly Target[],
  workload: Workload,
  { sizes }: Pick<Options, 'sizes'>,
  tokenOf: (target: Target) => string | undefined = () => undefined,
): Promise<Map<Target, PushFigures>> {
  const loads = new Map<Target, Load>();
  for (const target of targets) {
    const token = tokenOf(target);
    const pushes = pushesTo(target, workload).map((push) => ({ ...push, token }));
    // Each request once, checked to be answered 2xx: wrk itself notices only what is 400 and above.
    await pushAll(pushes);
    const load = prepareLoad(pushes, workload.connections);
    if (sizes.warmUpSeconds > 0) await load.run(sizes.warmUpSeconds);
    loads.set(target, load);
  }
  const measured = new Map(targets.map((target) => [target, [] as PushFigures[]]));
  for (let round = 0; round < sizes.rounds; round += 1) {
    for (const [target, load] of loads)
      measured.get(target)!.push(await oneRound(target, load, sizes.roundSeconds));
  }
  return new Map([...measured].map(([target, rounds]) => [target, medianOf(rounds)]));
}

export async function oneRound(
  target: Pick<Target, 'pid'>,
  load: Load,
  seconds: number,
): Promise<PushFigures> {
  const { result, cpuSeconds, rssBytes } = await usageDuring(target, () => load.run(seconds));
  return {
    pushesPerSecond: result.pushes / result.seconds,
    cpuMicros: (cpuSeconds * 1e6) / result.pushes,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    rssMegabytes: rssBytes / 1e6,
  };
}

/** Each figure by itself. */
function medianOf(rounds: readonly PushFigures[]): PushFigures {
  const of = (figure: keyof PushFigures): number => median(rounds.map((round) => round[figure]));
  return {
    pushesPerSecond: of('pushesPerSecond'),
    cpuMicros: of('cpuMicros'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    rssMegabytes: of('rssMegabytes'),
  };
}

export function peerTarget({ name, url, pid }: Peer): Target {
  return {
    name,
    pid,
    url: new URL(url).origin,
    pushUrl: (instance) => url.replaceAll('{instance}', String(instance)),
  };
}

function isByJob({ url }: Peer): boolean {
  return url.includes('{instance}');
}
