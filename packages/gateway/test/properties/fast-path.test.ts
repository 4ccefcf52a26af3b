/**
 * The fast ways to read a line are the slow way, done faster. A blank before a sample changes nothing of what it says, but no
 * fast way knows such a line; so the same pushes with and without that blank must end alike.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createGateway, RequestError } from '../../src/index.ts';
import type { EmbeddedGateway } from '../../src/index.ts';
import { formatFloat64, parseFloat64, readPlainDecimal } from '../../src/primitives/float.ts';
import { runs } from '../support/runs.ts';

const family = fc.constantFrom('c', 'g', 'h', 's', 'u', 'h_count', 'c_created', 'n.m');
const labelName = fc.constantFrom('a', 'b', 'le', 'lf', 'm', 'quantile', 'zone', '__name__', 'é');
const labelValue = fc.constantFrom(
  '1',
  '0.5',
  '+Inf',
  '1.0',
  '',
  'x y',
  '} 1',
  '\\"',
  '\\n',
  '\\x',
  'é',
  ',b="',
);
const value = fc.oneof(
  fc.nat(20).map(String),
  fc.double().map(formatFloat64),
  fc.constantFrom('1e3', '+1', '-0', '.5', '5.', '0x1', '1_0', '1 2', '', 'Nan', '123456789012345678'),
);
const labels = fc
  .array(fc.tuple(labelName, labelValue), { maxLength: 3 })
  .map((all) => all.map(([name, text]) => `${name}="${text}"`).join(','));
const sample = fc
  .tuple(family, fc.constantFrom('', '', '_bucket', '_sum', '_count'), fc.option(labels), value)
  .map(([name, suffix, inner, text]) => `${name}${suffix}${inner === null ? '' : `{${inner}}`} ${text}`);
const metadata = fc.oneof(
  fc
    .tuple(family, fc.constantFrom('counter', 'gauge', 'histogram', 'summary', 'untyped'))
    .map(([name, type]) => `# TYPE ${name} ${type}`),
  family.map((name) => `# HELP ${name} Some help.`),
);
/** Nearly always good, so that the pushes after it meet a state that knows something. */
const goodLines = fc
  .tuple(
    fc.subarray(['1', '2.5', '10', '1.0', '1e1']),
    fc.nat(5),
    fc.constantFrom('', 'a="1",', 'zone="} 1",'),
  )
  .map(([bounds, count, inner]) => [
    '# TYPE h histogram',
    ...bounds
      .toSorted((a, b) => Number(a) - Number(b))
      .map((le, i) => `h_bucket{${inner}le="${le}"} ${Math.min(i, count)}`),
    `h_sum${inner === '' ? '' : `{${inner.slice(0, -1)}}`} 0.5`,
    `h_count${inner === '' ? '' : `{${inner.slice(0, -1)}}`} ${count + 5}`,
    'c{a="1"} 5',
    'c{a="2"} 6',
  ]);
/** Parts of one sequence, as pushes are that repeat the one before: mostly each series once, rarely one twice. */
const sequence = ['c{a="1"}', 'c{a="2"}', 'g', 'u{b="x y"}', 'h_count', 'c{a="3"}', 'c{a="é"}', 'created'];
const repeatedValue = fc.oneof(
  { weight: 4, arbitrary: fc.nat(2_000_000_000).map(String) },
  { weight: 1, arbitrary: value },
);
const parts = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(sequence.length), fc.nat(sequence.length)), { minLength: 1, maxLength: 2 }),
    fc.array(repeatedValue, { minLength: sequence.length, maxLength: sequence.length }),
  )
  .map(([ranges, values]) =>
    ranges.flatMap(([from, to]) => sequence.slice(from, to).map((series, i) => `${series} ${values[i]!}`)),
  );
const body = fc.oneof(
  { weight: 2, arbitrary: goodLines },
  { weight: 3, arbitrary: parts },
  { weight: 3, arbitrary: fc.array(fc.oneof(metadata, sample, sample), { maxLength: 6 }) },
);

/** The message without its column, which the blank moves. */
async function outcome(gateway: EmbeddedGateway, text: string): Promise<string> {
  try {
    await gateway.push(text);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return error.text.replace(/column \d+/, 'column');
  }
}

test.each(['discard', 'sum-and-count'] as const)(
  'fast path = slow path (summaries: %s)',
  async (summaries) => {
    await fc.assert(
      fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 6 }), async (bodies) => {
        const fast = createGateway({ summaries });
        const slow = createGateway({ summaries });
        // Everything twice: what is new the first time is known the second time.
        for (const lines of [...bodies, ...bodies]) {
          const blanks = lines.map((line) => (line.startsWith('#') ? line : ` ${line}`));
          expect(await outcome(fast, lines.join('\n'))).toBe(await outcome(slow, blanks.join('\n')));
        }
        expect(await fast.scrape()).toBe(await slow.scrape());
      }),
      { numRuns: runs(500) },
    );
  },
);

test('a plain decimal is the number that its digits spell', () => {
  const digits = fc.stringMatching(/^[0-9.+e \n-]{0,20}$/);
  fc.assert(
    fc.property(fc.oneof(digits, value, fc.double().map(String)), (text) => {
      const bytes = new TextEncoder().encode(`x${text}y`);
      const at = { end: -1 };
      const read = readPlainDecimal(new DataView(bytes.buffer), 1, bytes.length - 1, at);
      if (!Number.isNaN(read)) expect(read).toBe(parseFloat64(text.slice(0, at.end - 1)));
    }),
    { numRuns: runs(20_000) },
  );
});
