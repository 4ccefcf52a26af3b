/**
 * Clusters on virtual time, seed after seed: `npm run simulation -- --seeds=1000 --from=0 --jobs=2`. Prints each seed that fails, and how to have it again;
 * `--loses` has the log lose acknowledged blocks, and `--tell` says all that happens. Without `--from` it begins anywhere.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { build } from 'esbuild';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    loses: { type: 'boolean', default: false },
    tell: { type: 'boolean', default: false },
  },
});
const seeds = whole('seeds', values.seeds);
const from = values.from === undefined ? Math.floor(Math.random() * 2 ** 31) : whole('from', values.from);
const jobs = Math.min(whole('jobs', values.jobs), seeds);

// Where the packages are found that it needs.
const bundle = fileURLToPath(new URL('../../../build/simulation/main.mjs', import.meta.url));
await build({
  entryPoints: [fileURLToPath(new URL('../test/cluster/simulation/main.ts', import.meta.url))],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
});

const begunMs = performance.now();
const totals = {};
const failed = [];
const more = values.loses ? ' --loses' : '';
let cpuMs = 0;
await Promise.all(Array.from({ length: jobs }, (_, job) => run(job)));
const seconds = (performance.now() - begunMs) / 1000;
console.log(
  `${seeds} seeds from ${from} in ${seconds.toFixed(1)} s, ${(cpuMs / seeds).toFixed(1)} ms of CPU each: ${JSON.stringify(totals)}`,
);
if (failed.length > 0) {
  console.log(`${failed.length} failed: ${failed.slice(0, 20).join(' ')}`);
  console.log(`to see one: npm run simulation -- --seeds=1 --from=${failed[0]}${more} --tell`);
  console.log('once it is mended, keep it in packages/gateway/test/cluster/simulation.test.ts');
  process.exitCode = 1;
}

/** Every so many-th seed, in a process of its own. */
function run(job) {
  return new Promise((resolve, reject) => {
    const child = fork(
      bundle,
      [String(from + job), String(from + seeds), String(jobs), String(values.tell), String(values.loses)],
      {
        execArgv: ['--enable-source-maps'],
      },
    );
    child.on('message', ({ seed, problem, outcome, cpuMs: tookMs }) => {
      cpuMs += tookMs;
      for (const [name, count] of Object.entries(outcome ?? {})) totals[name] = (totals[name] ?? 0) + count;
      if (problem === undefined) return;
      failed.push(seed);
      console.log(`seed ${seed}: ${problem}`);
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a process of the simulation ended with code ${code}`));
    });
  });
}

function whole(name, text) {
  if (/^\d{1,15}$/.test(text) && (name === 'from' || Number(text) > 0)) return Number(text);
  console.error(`--${name} must be a whole number, not ${JSON.stringify(text)}`);
  process.exit(2);
}
