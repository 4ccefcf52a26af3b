/** Text as Prometheus' own tests have it (prometheus/prometheus, model/textparse). */
import { describe, expect, test } from 'vitest';

import { createGateway, RequestError } from '../src/index.ts';
import { readData, readJson } from './conformance/data.ts';

interface Vector {
  readonly input: string | { readonly $bytes_base64: string };
  readonly expect?: 'accept' | 'reject';
}

/** Where the gateway differs from the server on purpose, and why. */
const deviations: Readonly<Record<string, { readonly does: 'accept' | 'reject'; readonly because: string }>> =
  {
    'prom_parse.json 0': {
      does: 'reject',
      because:
        'it holds one series several times; the server keeps the first, and the format leaves it undefined',
    },
    'prom_parse.json 0, line 26': {
      does: 'reject',
      because: 'labels stand without a comma between them, which the grammar does not have',
    },
    'prom_parse_utf8.json 0': {
      does: 'reject',
      because: 'it holds one quantile several times',
    },
  };

const files = ['prom_errors.json', 'prom_nullbyte.json', 'prom_parse.json', 'prom_parse_utf8.json'];

function vectors(file: string): { name: string; body: Buffer; expected: string }[] {
  const { cases } = readJson('prometheus', 'vectors', file) as { readonly cases: readonly Vector[] };
  return cases.flatMap(({ input, expect: verdict }, index) => {
    const body = typeof input === 'string' ? Buffer.from(input) : Buffer.from(input.$bytes_base64, 'base64');
    const whole = { name: `${file} ${index}`, body, expected: verdict ?? 'accept' };
    if (verdict !== undefined) return [whole];
    // Large ones are looked at line by line as well, so that a deviation does not hide the rest.
    const lines = body.toString().split('\n');
    return [
      whole,
      ...lines.map((line, i) => ({
        ...whole,
        name: `${whole.name}, line ${i + 1}`,
        body: Buffer.from(line),
      })),
    ];
  });
}

async function verdictOn(body: Uint8Array): Promise<string> {
  const gateway = createGateway({ summaries: 'sum-and-count' });
  try {
    await gateway.push(body);
    return 'accept';
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return 'reject';
  } finally {
    void gateway.close();
  }
}

describe('text 0.0.4 as the server reads it', () => {
  test.each(files.flatMap(vectors))('$name', async ({ name, body, expected }) => {
    const deviation = deviations[name];
    expect(await verdictOn(body), deviation?.because).toBe(deviation?.does ?? expected);
  });
});

describe('pages of 237 families', () => {
  test.each(['alltypes.237mfs.prom.txt', 'alltypes.237mfs.nometa.prom.txt'])('%s', async (name) => {
    const body = readData('prometheus', 'testdata', name);
    const gateway = createGateway({ summaries: 'sum-and-count' });
    await gateway.push(body);
    const page = await gateway.scrape();
    const samples = (text: string): number => text.split('\n').filter((line) => /^[^#\s]/.test(line)).length;
    // Quantiles are all that is lost; buckets `+Inf` that were left out come on top.
    const quantiles = body.toString().match(/^\w+\{(?:[^}]*,)?quantile="/gm)?.length ?? 0;
    expect(samples(page)).toBeGreaterThanOrEqual(samples(body.toString()) - quantiles);
    const again = createGateway({ summaries: 'sum-and-count' });
    await again.push(page);
    expect(await again.scrape()).toBe(page);
  });
});
