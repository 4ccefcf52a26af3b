/**
 * OpenMetrics as others test it: the bodies of prometheus/OpenMetrics, with what the Python client reads in them, and the vectors of
 * Prometheus' own parser.
 */
import { describe, expect, test } from 'vitest';

import { createGateway, RequestError } from '../src/index.ts';
import { parseSeriesText, seriesText } from '../src/model/series-text.ts';
import { readData, readJson } from './conformance/data.ts';
import type { Source } from './conformance/data.ts';

type Verdict = 'accept' | 'reject';

/** Where the gateway differs on purpose, and why. */
const deviations: Readonly<Record<string, { readonly does: Verdict; readonly because: string }>> = {
  bad_counter_values_15: {
    does: 'accept',
    because: 'a sum is NaN for ever once a NaN was observed, and all else of the push would be lost',
  },
  'om_parse.json 0': {
    does: 'reject',
    because:
      'it has quantiles before HELP lines of others, exemplars on counts and histograms without sums, all of which the specification forbids',
  },
  'om_parse_utf8.json 0': {
    does: 'reject',
    because: 'it holds one series several times, and exemplars on counts',
  },
};

interface PythonSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | { readonly $float: string };
}

interface PythonCase {
  readonly case: string;
  readonly shouldParse: boolean;
  readonly families?: readonly {
    readonly name: string;
    readonly type: string;
    readonly help: string;
    readonly samples: readonly PythonSample[];
  }[];
}

interface Vector {
  readonly input: string | { readonly $bytes_base64: string };
  readonly expect?: Verdict;
}

function casesOf(source: Source, path: string): readonly unknown[] {
  return (readJson(source, path) as { readonly cases: readonly unknown[] }).cases;
}

const pythonCases = casesOf('openmetrics', 'parsed_by_client_python.json') as readonly PythonCase[];

function bodyOf(name: string): Buffer {
  return readData('openmetrics', 'parsers', name, 'metrics');
}

const vectors = ['om_errors.json', 'om_nullbyte.json', 'om_parse.json', 'om_parse_utf8.json'].flatMap(
  (file) =>
    (casesOf('prometheus', `vectors/${file}`) as readonly Vector[]).map(
      ({ input, expect: verdict = 'accept' }, index) => ({
        name: `${file} ${index}`,
        body: typeof input === 'string' ? Buffer.from(input) : Buffer.from(input.$bytes_base64, 'base64'),
        verdict,
      }),
    ),
);

/** The page after the body was pushed to a gateway of its own, once or, with the fast ways then, twice; or why it was refused. */
async function pushed(
  body: Uint8Array,
  options: { readonly times?: number; readonly summaries?: 'discard' | 'sum-and-count' } = {},
): Promise<{ readonly verdict: Verdict; readonly page: string }> {
  const { times = 1, summaries = 'sum-and-count' } = options;
  const gateway = createGateway({ summaries });
  try {
    for (let time = 0; time < times; time += 1) await gateway.push(body, { format: 'openmetrics' });
    return { verdict: 'accept', page: await gateway.scrape() };
  } catch (error) {
    if (!(error instanceof RequestError) || error.code === 'internal') throw error;
    return { verdict: 'reject', page: error.text };
  } finally {
    void gateway.close();
  }
}

/** Samples of a page by their canonical text. */
function samplesOf(page: string): Map<string, number> {
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const blank = line.lastIndexOf(' ');
      const { name, labels } = parseSeriesText(line.slice(0, blank));
      return [sorted(name, labels), Number(line.slice(blank + 1).replace('Inf', 'Infinity'))];
    }),
  );
}

function sorted(name: string, labels: readonly { readonly name: string; readonly value: string }[]): string {
  return seriesText(
    name,
    labels.map((label) => (label.name === 'le' ? { name: 'le', value: canonical(label.value) } : label)),
  );
}

function canonical(bound: string): string {
  return bound === '+Inf' ? bound : String(Number(bound));
}

/** What the state keeps of what the Python client read: no quantiles, no gauges that are not finite, the last of several points. */
function keptOf({ families = [] }: PythonCase): Map<string, number> {
  const kept = new Map<string, number>();
  for (const { type, samples } of families) {
    for (const { name, labels, value } of samples) {
      if (type === 'summary' && 'quantile' in labels) continue;
      const number = typeof value === 'number' ? value : Number(value.$float.replace('Inf', 'Infinity'));
      if (!Number.isFinite(number)) continue;
      // A start time is none of the samples of text.
      if (name.endsWith('_created') && type !== 'gauge') continue;
      const list = Object.entries(labels).map(([label, content]) => ({ name: label, value: content }));
      kept.set(sorted(name.replace(/_g(sum|count)$/, '_$1'), list), number);
      // A count that is left out is that of the last bucket.
      if (type.endsWith('histogram') && labels['le'] === '+Inf') {
        const count = `${name.slice(0, -'_bucket'.length)}_count`;
        kept.set(
          sorted(
            count,
            list.filter((label) => label.name !== 'le'),
          ),
          number,
        );
      }
    }
  }
  return kept;
}

describe('bodies of prometheus/OpenMetrics', () => {
  test('all of them are here', () => {
    expect(pythonCases.filter(({ shouldParse }) => shouldParse)).toHaveLength(44);
    expect(pythonCases.filter(({ shouldParse }) => !shouldParse)).toHaveLength(167);
  });

  test.each(pythonCases)('$case', async (each) => {
    const body = bodyOf(each.case);
    const deviation = deviations[each.case];
    const wanted = deviation?.does ?? (each.shouldParse ? 'accept' : 'reject');
    for (const summaries of ['discard', 'sum-and-count'] as const) {
      for (const times of [1, 2]) {
        const { verdict, page } = await pushed(body, { times, summaries });
        expect(verdict, deviation?.because ?? page).toBe(wanted);
      }
    }
    if (wanted === 'reject') return;
    const { page } = await pushed(body);
    // Clients give duplicates of a point in time up in different ways; here the last one counts.
    if (each.case.startsWith('duplicate_timestamps')) {
      expect([...samplesOf(page).values()]).toEqual([3, 5]);
    } else if (deviation === undefined) expect(samplesOf(page)).toEqual(keptOf(each));
  });
});

describe("vectors of Prometheus' parser", () => {
  test.each(vectors)('$name', async ({ name, body, verdict: wanted }) => {
    const deviation = deviations[name];
    const { verdict, page } = await pushed(body);
    expect(verdict, deviation?.because ?? page).toBe(deviation?.does ?? wanted);
  });
});

describe('pages of the Go client', () => {
  const read = (name: string): Buffer => readData('prometheus', 'testdata', name);

  test('a histogram', async () => {
    expect((await pushed(read('1histogram.om.txt'))).verdict).toBe('accept');
  });

  test('five families: a negative sum beside negative buckets, which the specification forbids', async () => {
    const body = read('alltypes.5mfs.om.txt');
    expect((await pushed(body)).page).toMatch(/the sum of a histogram must not be negative/);
    const gateway = createGateway({ openmetrics: 'lenient' });
    await gateway.push(body, { format: 'openmetrics' });
    await gateway.close();
  });
});
