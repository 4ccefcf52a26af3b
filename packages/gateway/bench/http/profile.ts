/**
 * Where the gateway's time goes under one workload: the profile that Node writes when the process ends, summed up by function,
 * by file and by what kind of code it is. Idle time is left out.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { pushAll } from './client.ts';
import type { Options } from './options.ts';
import { startGateway, temporaryFolder } from './processes.ts';
import { table } from './report.ts';
import { createWorkload, pushesTo } from './workloads.ts';
import { prepareLoad } from './wrk.ts';

const PROFILE_SECONDS = 10;
const FUNCTIONS_SHOWN = 30;
const FILES_SHOWN = 20;
const BY_JOB = '-by-job';

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

/** `name` is a workload, with `-by-job` after it for that mode. */
export async function printProfile(name: string, { smoke, sizes }: Options): Promise<void> {
  const byJob = name.endsWith(BY_JOB);
  const workload = createWorkload(byJob ? name.slice(0, -BY_JOB.length) : name, sizes);
  const folder = join(temporaryFolder(), 'profile');
  const gateway = await startGateway({ byJob, nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${folder}`] });
  const pushes = pushesTo(gateway, workload);
  await pushAll(pushes);
  const { pushes: answered, seconds } = await prepareLoad(pushes, workload.connections).run(
    smoke ? 1 : PROFILE_SECONDS,
  );
  await gateway.stop();
  const file = readdirSync(folder).find((entry) => entry.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error('the gateway left no profile');
  const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
  console.log(
    `\n${gateway.name}, ${workload.what}: ${(answered / seconds).toFixed(0)} pushes/s while profiled\n`,
  );
  console.log(summarize(profile));
}

function summarize({ nodes, samples, timeDeltas }: CpuProfile): string {
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
    const place = file === '' ? '' : ` ${file}:${lineNumber + 1}`;
    count(kinds, kindOf(functionName, url), micros);
    count(files, file === '' ? functionName : file, micros);
    count(functions, `${functionName === '' ? '(anonymous)' : functionName}${place}`, micros);
  }
  const section = (title: string, counted: ReadonlyMap<string, number>, rows: number): string => {
    const top = [...counted].toSorted(([, a], [, b]) => b - a).slice(0, rows);
    return table(
      [title, 'self'],
      top.map(([name, micros]) => [name, `${((100 * micros) / total).toFixed(1)} %`]),
    );
  };
  return [
    section('kind', kinds, kinds.size),
    section('file', files, FILES_SHOWN),
    section('function', functions, FUNCTIONS_SHOWN),
  ].join('\n\n');
}

function count(sums: Map<string, number>, key: string, micros: number): void {
  sums.set(key, (sums.get(key) ?? 0) + micros);
}

function kindOf(functionName: string, url: string): string {
  if (functionName === '(garbage collector)') return 'garbage collector';
  if (functionName === '(program)') return 'native: sockets and the event loop';
  if (url.startsWith('node:')) return 'node: http, streams, timers';
  if (url === '') return 'native: called from JavaScript';
  return url.includes('/node_modules/') ? 'dependencies' : 'gateway';
}

/** `http/push.js` for the gateway's own, `node:_http_server`, or the package's file. */
function shortFile(url: string): string {
  return url
    .replace(/^file:\/\/.*\/node_modules\//, '')
    .replace(/^file:\/\/.*\/packages\/gateway\/dist\//, '');
}
