/**
 * One run of the fuzzer, and what must hold of it whatever the bytes are:
 *
 *   - a push is taken, or refused with a RequestError; nothing else is thrown
 *   - a refused push leaves the pages as they were, in all formats, and nothing that shows later: a gateway that never heard of the refused
 *     pushes ends with the same page
 *   - a gateway that has to read every line of text anew, because each begins with a blank, agrees on all of it
 *   - a gateway that is started again after every push it took, from its journal, agrees on all of it
 *   - the page can be pushed to an empty gateway and comes out the same; buckets only rise
 */
import { createGateway, RequestError } from '../../src/index.ts';
import type { EmbeddedGateway, PushOptions } from '../../src/index.ts';
import { RestartingGateway } from '../support/restarting.ts';

export interface FuzzRun {
  readonly byJob: boolean;
  readonly jobCounterResets: 'overwrite' | 'accumulate' | 'accumulate-by-value';
  readonly summaries: 'discard' | 'sum-and-count';
  readonly pathLabels: 'drop' | 'add';
  /** Strict when left out. */
  readonly openmetrics?: 'strict' | 'lenient';
  readonly steps: readonly FuzzStep[];
}

export type FuzzStep =
  /** The body as one character per byte (latin1), so that a kept input can be read. */
  | {
      readonly push: string;
      readonly method: 'PUT' | 'POST';
      readonly job: string;
      /** Text when left out. */
      readonly format?: 'openmetrics' | 'protobuf';
    }
  | { readonly delete: string }
  | { readonly waitMs: number };

const PRUNE_MS = 1000;
const FORGET_MS = 3000;

/** Throws an Error that says what does not hold. */
export async function replay(run: FuzzRun): Promise<void> {
  let nowMs = 1_700_000_000_000;
  const clock = { now: () => nowMs };
  const { steps, ...rules } = run;
  // A refusal must change nothing, so times of failures are not kept.
  const options = {
    ...rules,
    pushTimes: false,
    jobPruneDurationMs: PRUNE_MS,
    jobForgetDurationMs: FORGET_MS,
    clock,
  };
  const open = (): EmbeddedGateway => createGateway(options);
  const gateway = open();
  const slow = open();
  const untroubled = open();
  const restarted = await RestartingGateway.start(options);
  const all = (): readonly EmbeddedGateway[] => [gateway, slow, untroubled, restarted.gateway];
  try {
    for (const [index, step] of steps.entries()) {
      if ('waitMs' in step) {
        nowMs += step.waitMs;
        for (const each of all()) await each.scrape();
      } else if ('delete' in step) {
        for (const each of all()) await each.delete(`job/${step.delete}`);
      } else {
        const before = await expositionsOf(gateway);
        const { format = 'text' }: Pick<PushOptions, 'format'> = step;
        const target = { method: step.method, path: `job/${step.job}`, format };
        const body = Buffer.from(step.push, 'latin1');
        const code = await outcome(gateway, body, target);
        const slowCode = await outcome(
          slow,
          Buffer.from(format === 'text' ? indented(step.push) : step.push, 'latin1'),
          target,
        );
        if (code !== slowCode) throw new Error(`step ${index}: ${code}, but ${slowCode} when read anew`);
        const restartedCode = await outcome(restarted.gateway, body, target);
        if (code !== restartedCode)
          throw new Error(`step ${index}: ${code}, but ${restartedCode} after a restart`);
        if (code === 'taken') {
          await untroubled.push(body, target);
          if (index % 3 === 0) await restarted.takeSnapshot();
          // Not after a pause: the time between the last record and the end of a process is not counted.
          await restarted.restart();
        } else
          same(`step ${index}: the pages before and after a refusal`, before, await expositionsOf(gateway));
      }
      const expositions = await expositionsOf(gateway);
      same(`step ${index}: the pages of lines read anew`, expositions, await expositionsOf(slow));
      same(`step ${index}: the pages without refused pushes`, expositions, await expositionsOf(untroubled));
      same(`step ${index}: the pages after a restart`, expositions, await expositionsOf(restarted.gateway));
      await checkExposition(`step ${index}`, await gateway.scrape(), run);
    }
  } finally {
    // Closing waits for connections to end, of which there are none here.
    for (const each of all()) void each.close();
  }
}

/** All that can be seen of it: protobuf shows native histograms, and OpenMetrics types that the others do not have. */
async function expositionsOf(gateway: EmbeddedGateway): Promise<string> {
  const text = await gateway.scrape();
  const openmetrics = await gateway.scrape({ format: 'openmetrics', escaping: 'allow-utf-8' });
  const protobuf = await gateway.scrapeBytes({ format: 'protobuf', escaping: 'allow-utf-8' });
  return `${text}\n${openmetrics}\n${Buffer.from(protobuf).toString('latin1')}`;
}

async function outcome(gateway: EmbeddedGateway, body: Uint8Array, options: PushOptions): Promise<string> {
  try {
    await gateway.push(body, options);
    return 'taken';
  } catch (error) {
    if (!(error instanceof RequestError) || error.code === 'internal') throw error;
    return error.code;
  }
}

/** A leading blank means nothing, but no such line is remembered. */
function indented(body: string): string {
  return body === '' ? '' : ` ${body.replaceAll(/\n(?!$)/g, '\n ')}`;
}

async function checkExposition(where: string, shown: string, { summaries }: FuzzRun): Promise<void> {
  const fresh = createGateway({ summaries });
  const page = withPlainHelp(shown);
  try {
    await fresh.push(page);
    // Names that need quotes are sorted as such, and shown with underscores; pushed again, lines and labels may be in another order.
    same(
      `${where}: the page pushed to an empty gateway`,
      sorted(withoutEmptyInstances(page)),
      sorted(await fresh.scrape()),
    );
  } catch (error) {
    if (error instanceof RequestError)
      throw new Error(`${where}: the page is ${error.text}\n${page}`, { cause: error });
    throw error;
  } finally {
    void fresh.close();
  }
  checkBuckets(where, page);
}

/** Text cannot say that a help begins with blanks, nor that it ends in a carriage return; protobuf can. */
function withPlainHelp(page: string): string {
  const lines = page.split('\n');
  return lines
    .map((line) =>
      line.startsWith('# HELP ') ? line.replace(/^(# HELP \S+ )[ \t]+/, '$1').replace(/\r+$/, '') : line,
    )
    .join('\n');
}

/** Pushed again, an empty label is no label. */
function withoutEmptyInstances(page: string): string {
  return page
    .replaceAll(/(?<=[{,])instance="",|(?:,|(?<=\{))instance=""(?=\})/g, '')
    .replaceAll(/^([^"{ ]+)\{\} /gm, '$1 ');
}

function checkBuckets(where: string, page: string): void {
  const highest = new Map<string, number>();
  const histograms = new Set([...page.matchAll(/^# TYPE (\S+) histogram$/gm)].map((match) => match[1]));
  for (const line of page.split('\n')) {
    const match = /^([^{ ]+)_bucket(\{.*)le="[^"]+"\} (\S+)$/.exec(line);
    if (match === null || !histograms.has(match[1])) continue;
    const series = `${match[1]}${match[2]}`;
    const value = Number(match[3]);
    if (value < (highest.get(series) ?? 0)) throw new Error(`${where}: buckets fall at ${line}`);
    highest.set(series, value);
  }
}

function sorted(page: string): string {
  return page.split('\n').map(withSortedLabels).toSorted().join('\n');
}

function withSortedLabels(line: string): string {
  if (line.startsWith('#')) return line;
  return line.replace(/(?<=\{).*(?=\})/, (labels) =>
    (labels.match(/[^",=]+="(?:[^"\\]|\\.)*"/g) ?? [labels]).toSorted().join(','),
  );
}

function same(what: string, expected: string, found: string): void {
  if (expected !== found) throw new Error(`${what} differ:\n${expected}---\n${found}`);
}
