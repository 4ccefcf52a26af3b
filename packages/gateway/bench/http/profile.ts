/**
 * Where the gateway's time goes under one workload: the profile that Node writes when the process ends, summed up by kind of
 * code, by file and by function. Idle time is left out.
 */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { pushAll } from './client.ts';
import type { Options } from './options.ts';
import { startBare, startGateway, storageFolder, temporaryFolder } from './processes.ts';
import type { Server } from './processes.ts';
import { table } from './report.ts';
import { createWorkload, pushesTo } from './workloads.ts';
import type { Workload } from './workloads.ts';
import { prepareLoad } from './wrk.ts';

const PROFILE_SECONDS = 10;
const FUNCTIONS_SHOWN = 30;
const FILES_SHOWN = 20;
const BY_JOB = '-by-job';
const DURABLE = '-durable';

/** What is read of https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Ids of nodes, one for each sample. */
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

/** Microseconds of self time. */
interface Sums {
  readonly kinds: ReadonlyMap<string, number>;
  readonly files: ReadonlyMap<string, number>;
  readonly functions: ReadonlyMap<string, number>;
  readonly total: number;
}

interface Profiled extends Sums {
  readonly pushes: number;
}

/**
 * `name` is a workload, with `-by-job` after it for that mode, and `-durable` after that for a gateway that keeps pushes on disk. The bare
 * server is profiled too: its time is the floor.
 */
export async function printProfile(name: string, { smoke, sizes }: Options): Promise<void> {
  const [inMode, durable] = withoutEnd(name, DURABLE);
  const [plain, byJob] = withoutEnd(inMode, BY_JOB);
  const workload = createWorkload(plain, sizes);
  const storage = durable ? storageFolder('profiled') : '';
  const seconds = smoke ? 1 : PROFILE_SECONDS;
  const bare = await profile(startBare, workload, seconds);
  const gateway = await profile(
    (nodeFlags) => startGateway({ byJob, storage, nodeFlags }),
    workload,
    seconds,
  );
  console.log(
    `\n${byJob ? 'by-job' : 'add'} mode${durable ? ', durable' : ''}, ${workload.what}, ${gateway.pushes} pushes; µs are per push\n`,
  );
  console.log(kindsTable(gateway, bare));
  console.log(`\n${selfTable('file', gateway, FILES_SHOWN)}`);
  console.log(`\n${selfTable('function', gateway, FUNCTIONS_SHOWN)}`);
}

function withoutEnd(name: string, end: string): readonly [string, boolean] {
  return name.endsWith(end) ? [name.slice(0, -end.length), true] : [name, false];
}

async function profile(
  start: (nodeFlags: readonly string[]) => Promise<Server>,
  workload: Workload,
  seconds: number,
): Promise<Profiled> {
  const folder = mkdtempSync(join(temporaryFolder(), 'profile-'));
  const server = await start(['--cpu-prof', `--cpu-prof-dir=${folder}`]);
  const pushes = pushesTo(server, workload);
  await pushAll(pushes);
  const load = await prepareLoad(pushes, workload.connections).run(seconds);
  await server.stop();
  const file = readdirSync(folder).find((entry) => entry.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error(`${server.name} left no profile`);
  const sums = summarize(JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile);
  return { ...sums, pushes: pushes.length + load.pushes };
}

function summarize({ nodes, samples, timeDeltas }: CpuProfile): Sums {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const kinds = new Map<string, number>();
  const files = new Map<string, number>();
  const functions = new Map<string, number>();
  let total = 0;
  for (const [i, id] of samples.entries()) {
    const { functionName, url, lineNumber } = frames.get(id)!;
    const micros = timeDeltas[i] ?? 0;
    if (functionName === '(idle)') continue;
    total += micros;
    const file = shortFile(url);
    count(kinds, kindOf(functionName, url), micros);
    count(files, file === '' ? functionName : file, micros);
    const place = file === '' ? '' : ` ${file}:${lineNumber + 1}`;
    count(functions, `${functionName === '' ? '(anonymous)' : functionName}${place}`, micros);
  }
  return { kinds, files, functions, total };
}

function kindsTable(gateway: Profiled, bare: Profiled): string {
  const perPush = ({ pushes }: Profiled, micros: number): string => (micros / pushes).toFixed(1);
  const rows = descending(gateway.kinds).map(([kind, micros]) => [
    kind,
    perPush(gateway, micros),
    perPush(bare, bare.kinds.get(kind) ?? 0),
  ]);
  const sum = ['all', perPush(gateway, gateway.total), perPush(bare, bare.total)];
  return table(['kind', 'gateway µs', 'bare µs'], [...rows, sum]);
}

function selfTable(what: 'file' | 'function', profiled: Profiled, rowsMax: number): string {
  const rows = descending(what === 'file' ? profiled.files : profiled.functions).slice(0, rowsMax);
  return table(
    [what, 'self µs', 'share'],
    rows.map(([name, micros]) => [
      name,
      (micros / profiled.pushes).toFixed(2),
      `${((100 * micros) / profiled.total).toFixed(1)} %`,
    ]),
  );
}

function descending(sums: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...sums].toSorted(([, a], [, b]) => b - a);
}

function count(sums: Map<string, number>, key: string, micros: number): void {
  sums.set(key, (sums.get(key) ?? 0) + micros);
}

function kindOf(functionName: string, url: string): string {
  if (functionName === '(garbage collector)') return 'garbage collector';
  if (functionName === '(program)') return 'native: the event loop, reading from sockets';
  if (url.startsWith('node:')) return 'node: http, streams, timers';
  if (url === '') return 'native: called from JavaScript, writing to sockets above all';
  return url.includes('/node_modules/') ? 'dependencies' : 'our own code';
}

/** `http/routes/push.js` for the gateway's own, `node:_http_server`, or the package's file. */
function shortFile(url: string): string {
  return url
    .replace(/^file:\/\/.*\/node_modules\//, '')
    .replace(/^file:\/\/.*\/packages\/gateway\/dist\//, '');
}
