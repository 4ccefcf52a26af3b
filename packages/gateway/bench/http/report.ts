/** Results as markdown: tables aligned as the formatter wants them, so that they can stand in a page as they are. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';

import type { PushFigures, PushResult, ServerFigures } from './pushes.ts';

/** One row of the table of targets. */
export interface Finding {
  readonly work: string;
  /** What to reach; empty for what is measured only. */
  readonly reach: string;
  readonly measured: string;
  /** Undefined where there is nothing to reach. */
  readonly met?: boolean;
}

export function findingsTable(findings: readonly Finding[]): string {
  const rows = findings.map(({ work, reach, measured, met }) => [
    work,
    reach,
    measured,
    met === undefined ? '' : met ? 'yes' : 'no',
  ]);
  return table(['work', 'reach', 'measured', 'reached'], rows);
}

export function pushesTable(results: readonly PushResult[]): string {
  const header = ['pushes', 'server', 'pushes/s', 'CPU µs/push', 'p50 ms', 'p99 ms', 'RSS MB', 'MB/CPU s'];
  return table(header, results.flatMap(pushRows));
}

/** A row for each server, then each gateway over what it is held against. */
function pushRows({ what, bodyBytes, bare, add, byJob, peers }: PushResult): readonly (readonly string[])[] {
  const servers = [bare, add, byJob, ...peers];
  const pairs: readonly (readonly [ServerFigures, ServerFigures])[] = [
    [add, bare],
    [byJob, bare],
    [byJob, add],
    ...peers.map((peer) => [peer.byJob ? byJob : add, peer] as const),
  ];
  return [
    ...servers.map(({ name, figures }) => [
      what,
      name,
      figures.pushesPerSecond.toFixed(0),
      figures.cpuMicros.toFixed(1),
      figures.p50Ms.toFixed(2),
      figures.p99Ms.toFixed(2),
      figures.rssMegabytes.toFixed(0),
      (bodyBytes / figures.cpuMicros).toFixed(0),
    ]),
    ...pairs.map(([above, below]) => {
      const ratio = (figure: keyof PushFigures): string =>
        times(above.figures[figure] / below.figures[figure]);
      return [
        what,
        `${above.name} ÷ ${below.name}`,
        ratio('pushesPerSecond'),
        ratio('cpuMicros'),
        ratio('p50Ms'),
        ratio('p99Ms'),
        ratio('rssMegabytes'),
        times(below.figures.cpuMicros / above.figures.cpuMicros),
      ];
    }),
  ];
}

/** The rows of the table of targets that come from pushes under load. */
export function pushFindings(results: readonly PushResult[]): readonly Finding[] {
  const cpuRatio = (above: ServerFigures, below: ServerFigures): number =>
    above.figures.cpuMicros / below.figures.cpuMicros;
  const findings: Finding[] = [];
  for (const { workload, bodyBytes, bare, add, byJob } of results) {
    const toBare = cpuRatio(add, bare);
    const reach = { small: 1.5, large: 4 }[workload];
    findings.push({
      work: `${workload} push, CPU per push`,
      reach: reach === undefined ? '' : `≤ ${reach} × the bare server`,
      measured: `${times(toBare)} (${add.figures.cpuMicros.toFixed(1)} µs, bare ${bare.figures.cpuMicros.toFixed(1)} µs)`,
      ...(reach === undefined ? {} : { met: toBare <= reach }),
    });
    if (workload === 'large') {
      const rate = bodyBytes / (add.figures.cpuMicros - bare.figures.cpuMicros);
      findings.push({
        work: 'large push, decode and apply (what is over the bare server)',
        reach: '≥ 250 MB/s',
        measured: `${rate.toFixed(0)} MB/s of CPU time`,
        met: rate >= 250,
      });
    }
    const toAdd = cpuRatio(byJob, add);
    findings.push({
      work: `${workload} push by-job, CPU per push`,
      reach: '≤ 1.3 × of add mode',
      measured: `${times(toAdd)} (${byJob.figures.cpuMicros.toFixed(1)} µs)`,
      met: toAdd <= 1.3,
    });
  }
  return findings;
}

/** Before the run has added its own. */
const loadAtStart = loadavg()[0]!;

/** What the figures depend on. */
export function circumstances(command: string): string {
  const processor = cpus()[0]?.model.trim() ?? 'unknown processor';
  const gibibytes = (totalmem() / 2 ** 30).toFixed(0);
  return [
    `- machine: ${processor}, ${cpus().length} cores, ${gibibytes} GiB; load average before the run ${loadAtStart.toFixed(1)}`,
    `- Node ${process.version}, ${process.platform} ${process.arch}`,
    `- commit ${commit()}, ${new Date().toISOString().slice(0, 10)}`,
    `- command: \`${command}\``,
  ].join('\n');
}

function commit(): string {
  const git = (...flags: readonly string[]): string =>
    execFileSync('git', flags, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'unknown';
  }
}

export function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 10 ? 2 : 1)} ×`;
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => Math.max(3, title.length, ...rows.map((row) => row[i]!.length)));
  const line = (accumulators: readonly string[]): string =>
    `| ${accumulators.map((accumulator, i) => accumulator.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
