/** The rows of a run, by name and in order, and the report at its end. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { measureAccess } from './access.ts';
import { measureDurable } from './durable.ts';
import { measureFewSeriesMemory, measureMemory, measureSourceMemory } from './memory.ts';
import { measureNewSeries } from './new-series.ts';
import type { Options } from './options.ts';
import { measurePushes } from './pushes.ts';
import type { PushResult } from './pushes.ts';
import { circumstances, findingsTable, pushesTable, pushFindings } from './report.ts';
import type { Finding } from './report.ts';
import { measurePushesDuringScrapes, measureScrapes } from './scrapes.ts';
import { soak } from './soak.ts';
import { workloadNames } from './workloads.ts';

export interface Results {
  readonly pushes: readonly PushResult[];
  readonly findings: readonly Finding[];
}

const otherRows: Readonly<Record<string, (options: Options) => Promise<readonly Finding[]>>> = {
  'new-series': ({ sizes }) => measureNewSeries(sizes),
  memory: ({ sizes }) => measureMemory(sizes),
  'few-series-memory': ({ sizes }) => measureFewSeriesMemory(sizes),
  'by-job-memory': ({ sizes }) => measureSourceMemory(sizes),
  scrape: ({ sizes }) => measureScrapes(sizes),
  'pushes-during-scrape': ({ sizes }) => measurePushesDuringScrapes(sizes),
  durable: measureDurable,
  access: ({ sizes }) => measureAccess(sizes),
};

const readme = fileURLToPath(new URL('../../bench/README.md', import.meta.url));
const BEGIN = '<!-- bench:http begin -->';
const END = '<!-- bench:http end -->';

export async function runRows(options: Options): Promise<Results> {
  const names = [...workloadNames, ...Object.keys(otherRows)];
  const unknown = options.only.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new Error(`--only: there is no row ${unknown}; there are ${names.join(', ')}`);
  const chosen = (name: string): boolean => options.only.length === 0 || options.only.includes(name);
  const started = performance.now();
  const begin = (name: string): void =>
    console.error(`${((performance.now() - started) / 1_000).toFixed(0).padStart(4)} s  ${name}`);
  const pushes: PushResult[] = [];
  for (const name of workloadNames.filter(chosen)) {
    begin(name);
    pushes.push(await measurePushes(name, options));
  }
  const findings: Finding[] = [...pushFindings(pushes)];
  for (const [name, measure] of Object.entries(otherRows)) {
    if (!chosen(name)) continue;
    begin(name);
    findings.push(...(await measure(options)));
  }
  if (options.smoke && options.only.length === 0) {
    begin('soak');
    await soak(4 * options.sizes.soakIntervalSeconds, options.sizes);
  }
  begin('done');
  return { pushes, findings };
}

export function printReport({ pushes, findings }: Results, options: Options): void {
  const flags = process.argv.slice(2);
  const command = ['npm run bench:http', ...(flags.length > 0 ? ['--', ...flags] : [])].join(' ');
  const report = [
    circumstances(command),
    findingsTable(findings),
    ...(pushes.length > 0 ? [pushesTable(pushes)] : []),
  ].join('\n\n');
  console.log(`\n${report}\n`);
  if (options.write) writeReport(report);
}

function writeReport(report: string): void {
  const page = readFileSync(readme, 'utf8');
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${readme} has no ${BEGIN} and ${END} to write between`);
  writeFileSync(readme, `${page.slice(0, begin + BEGIN.length)}\n\n${report}\n\n${page.slice(end)}`);
}
