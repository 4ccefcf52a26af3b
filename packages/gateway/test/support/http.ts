import { expect } from 'vitest';

/** Pushes and resolves with the reply, whatever its status. `path` follows the push path, such as `job/backup`. */
export function send(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  options: { path?: string; method?: string; headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${url}/metrics/${options.path ?? ''}`, {
    method: options.method ?? 'POST',
    headers: options.headers ?? {},
    body,
    redirect: 'manual',
  });
}

/** Pushes lines and expects them to be taken. A last newline is added. */
export async function push(
  url: string,
  body: string,
  options: { path?: string; method?: string } = {},
): Promise<void> {
  const reply = await send(url, `${body}\n`, options);
  const text = await reply.text();
  expect({ status: reply.status, text }).toEqual({ status: 202, text: '' });
}

/** The page that Prometheus would read, as it stands. */
export async function scrape(url: string): Promise<string> {
  const reply = await fetch(`${url}/metrics`);
  expect(reply.status).toBe(200);
  expect(reply.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return reply.text();
}

/** The lines of the page as OpenMetrics. */
export async function scrapeOpenMetrics(url: string): Promise<readonly string[]> {
  const headers = { accept: 'application/openmetrics-text; version=1.0.0' };
  const reply = await fetch(`${url}/metrics`, { headers });
  expect(reply.status).toBe(200);
  expect(reply.headers.get('content-type')).toMatch(/^application\/openmetrics-text; version=1\.0\.0/);
  return (await reply.text()).split('\n');
}

/** The samples of the page: series as written, labels sorted by name, to value. */
export async function scrapeSamples(url: string): Promise<Map<string, number>> {
  return samplesOf(await scrape(url));
}

export function samplesOf(page: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of page.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const blank = line.lastIndexOf(' ');
    const series = sortLabels(line.slice(0, blank));
    if (samples.has(series)) throw new Error(`the page has ${series} twice`);
    samples.set(series, Number(line.slice(blank + 1).replace('Inf', 'Infinity')));
  }
  return samples;
}

function sortLabels(series: string): string {
  const brace = series.indexOf('{');
  if (brace < 0) return series;
  const labels = series.slice(brace).match(/[^{},=]+="(?:[^"\\]|\\.)*"/g) ?? [];
  return `${series.slice(0, brace)}{${labels.toSorted().join(',')}}`;
}
