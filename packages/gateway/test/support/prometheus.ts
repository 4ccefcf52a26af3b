import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

import { eventually } from './eventually.ts';
import { killAtTestEnd } from './process.ts';
import { program } from './programs.ts';

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

export interface ExemplarSeries {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: string;
  }[];
}

export class Prometheus {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async query(query: string, time?: number): Promise<readonly Series[]> {
    const search = new URLSearchParams({ query, ...(time === undefined ? {} : { time: String(time) }) });
    return this.#ask(`query?${search}`);
  }

  async range(query: string, start: number, end: number): Promise<readonly Series[]> {
    const search = new URLSearchParams({ query, start: String(start), end: String(end), step: '1' });
    return this.#ask(`query_range?${search}`);
  }

  /** The value of a query that gives one series, or undefined while it gives none. */
  async value(query: string, time?: number): Promise<number | undefined> {
    const [first] = await this.query(query, time);
    return first?.value === undefined ? undefined : Number(first.value[1]);
  }

  /** The exemplars of the last hour, by series. */
  async exemplars(query: string): Promise<readonly ExemplarSeries[]> {
    const now = Date.now() / 1_000;
    const search = new URLSearchParams({ query, start: String(now - 3_600), end: String(now + 60) });
    const reply = await fetch(`${this.url}/api/v1/query_exemplars?${search}`);
    const { data } = (await reply.json()) as { data: readonly ExemplarSeries[] };
    return data;
  }

  async #ask(path: string): Promise<readonly Series[]> {
    const reply = await fetch(`${this.url}/api/v1/${path}`);
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${path}: ${text}`);
    const { data } = JSON.parse(text) as { data: { result: readonly Series[] } };
    return data.result;
  }
}

export interface PrometheusOptions {
  /** Of another release than the one that is installed. */
  readonly binary?: string;
  readonly flags?: readonly string[];
  /** Lines of YAML for the scrape of the target. */
  readonly scrape?: readonly string[];
  /** Further entries of `scrape_configs`. */
  readonly jobs?: readonly object[];
}

/** Scrapes `target` every second, until the test ends. */
export async function startPrometheus(
  target: string,
  { scrape = [], jobs = [], ...options }: PrometheusOptions = {},
): Promise<Prometheus> {
  const configFile = join(prometheusFolder(), 'prometheus.yml');
  writeFileSync(
    configFile,
    `global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: gateway
    honor_labels: true
    static_configs: [{ targets: ['${new URL(target).host}'] }]
${scrape.map((line) => `    ${line}\n`).join('')}${jobs.map((job) => `  - ${JSON.stringify(job)}\n`).join('')}`,
  );
  return runPrometheus(configFile, options);
}

function prometheusFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-prometheus-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** By this file, until the test ends. */
export async function runPrometheus(
  configFile: string,
  { binary, flags = [] }: Pick<PrometheusOptions, 'binary' | 'flags'> = {},
): Promise<Prometheus> {
  const folder = prometheusFolder();
  const port = await freePort();
  const child = spawn(
    binary ?? program('prometheus', 'prometheus'),
    [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      ...flags,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  killAtTestEnd(child);
  const url = `http://127.0.0.1:${port}`;
  const ready = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`prometheus ended with ${child.exitCode}:\n${stderr}`);
    const reply = await fetch(`${url}/-/ready`).catch(() => undefined);
    return reply?.ok ?? false;
  };
  await eventually('prometheus to be ready', ready, 30_000);
  return new Prometheus(url);
}

/** For programs that do not tell which port they took when asked for any, or that must come back on the same. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
