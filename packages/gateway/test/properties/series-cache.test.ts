/** Laws about how a push is written, which must not matter: series key, order of lines, and how it is cut into pushes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createGateway } from '../../src/index.ts';
import { runs } from '../support/runs.ts';

interface Spelled {
  readonly order: readonly string[];
  readonly blank: string;
  readonly comma: boolean;
  readonly quotedName: boolean;
  readonly emptyLabel: boolean;
  readonly le: string;
}

const spelled: fc.Arbitrary<Spelled> = fc.record({
  order: fc.shuffledSubarray(['a', 'b', 'le'], { minLength: 3 }),
  blank: fc.constantFrom('', ' ', '\t', '  '),
  comma: fc.boolean(),
  quotedName: fc.boolean(),
  emptyLabel: fc.boolean(),
  le: fc.constantFrom('1', '1.0', '1e0', '+1', '01', '10e-1'),
});

function spell(name: string, hasBound: boolean, seriesKey: Spelled): string {
  const { order, blank, comma, quotedName, emptyLabel, le } = seriesKey;
  const values: Readonly<Record<string, string>> = { a: '1', b: 'x\\"y', le };
  const items = order
    .filter((label) => hasBound || label !== 'le')
    .map((label) => `${blank}${label}${blank}=${blank}"${values[label]}"${blank}`);
  if (emptyLabel) items.push('nothing=""');
  if (quotedName) items.unshift(`"${name}"`);
  return `${quotedName ? '' : name}{${items.join(',')}${comma ? ',' : ''}}`;
}

test('however a series is spelled, it is one series', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(spelled, spelled, fc.boolean()), { minLength: 1, maxLength: 12 }),
      async (all) => {
        const gateway = createGateway();
        for (const [counter, bucket, typed] of all) {
          const count = spell('h_count', false, bucket);
          await gateway.push(
            `# TYPE c counter\n# TYPE h histogram\n${typed ? ' ' : ''}${spell('c', false, counter)} 1\n` +
              `${spell('h_bucket', true, bucket)} 2\n${count} 3\n`,
          );
        }
        const labels = 'a="1",b="x\\"y"';
        expect(await gateway.scrape()).toBe(
          `# TYPE c counter\nc{${labels}} ${all.length}\n# TYPE h histogram\n` +
            `h_bucket{${labels},le="1"} ${2 * all.length}\nh_bucket{${labels},le="+Inf"} ${3 * all.length}\n` +
            `h_count{${labels}} ${3 * all.length}\n`,
        );
      },
    ),
    { numRuns: runs(200) },
  );
});

const lines = fc.uniqueArray(
  fc.record({
    series: fc.constantFrom('a', 'b{x="1"}', 'b{x="2"}', 'c', 'd{y="é"}', 'd'),
    value: fc.double({ min: -1e100, max: 1e100, noNaN: true }),
  }),
  { selector: ({ series }) => series, maxLength: 6 },
);

test('one push or one per line, in any order: the same page', async () => {
  await fc.assert(
    fc.asyncProperty(
      lines.chain((all) =>
        fc.tuple(
          fc.constant(all),
          fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
        ),
      ),
      async ([all, shuffled]) => {
        const [whole, cut] = [createGateway(), createGateway()];
        for (let round = 0; round < 2; round += 1) {
          await whole.push(all.map(({ series, value }) => `${series} ${value}\n`).join(''));
          for (const { series, value } of shuffled) await cut.push(`${series} ${value}`);
        }
        expect(await cut.scrape()).toBe(await whole.scrape());
      },
    ),
    { numRuns: runs(200) },
  );
});

const bounds = fc.uniqueArray(
  fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((bound) => bound + 0),
  {
    maxLength: 8,
  },
);
const histogram = bounds.chain((all) =>
  fc.record({
    bounds: fc.constant(all.toSorted((a, b) => a - b)),
    counts: fc.array(fc.nat(1000), { minLength: all.length + 1, maxLength: all.length + 1 }),
    seed: fc.nat(),
    hasInfinity: fc.boolean(),
  }),
);

test('histograms give the union of their bounds, with every count in its own bucket', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(histogram, { minLength: 1, maxLength: 6 }), async (all) => {
      const gateway = createGateway();
      const increments = new Map<number, number>([[Infinity, 0]]);
      for (const { bounds: own, counts, seed, hasInfinity } of all) {
        let cumulative = 0;
        const text: string[] = [];
        for (const [i, bound] of [...own, Infinity].entries()) {
          cumulative += counts[i]!;
          increments.set(bound, (increments.get(bound) ?? 0) + counts[i]!);
          if (bound < Infinity || hasInfinity) {
            text.push(`h_bucket{le="${bound === Infinity ? '+Inf' : bound}"} ${cumulative}`);
          }
        }
        text.push(`h_count ${cumulative}`);
        const turn = seed % text.length;
        const rotated = [...text.slice(turn), ...text.slice(0, turn)];
        await gateway.push(`# TYPE h histogram\n${rotated.join('\n')}\n`);
      }
      let cumulative = 0;
      let page = '# TYPE h histogram\n';
      for (const [bound, count] of [...increments].toSorted(([a], [b]) => a - b)) {
        cumulative += count;
        page += `h_bucket{le="${bound === Infinity ? '+Inf' : bound}"} ${cumulative}\n`;
      }
      expect(await gateway.scrape()).toBe(`${page}h_count ${cumulative}\n`);
    }),
    { numRuns: runs(200) },
  );
});

test('long bodies, read in slices side by side, add up like short ones', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { minLength: 2, maxLength: 5 }), async (starts) => {
      const padding = 'x'.repeat(40);
      const body = (start: number): string => {
        let text = '# TYPE c counter\n';
        for (let i = start * 900; i < start * 900 + 2400; i += 1)
          text += `c{series="${i}",padding="${padding}"} 1\n`;
        return text;
      };
      const gateway = createGateway();
      const turns = createGateway();
      const short = '# TYPE s gauge\ns{of="all"} 1\n';
      await Promise.all(
        starts.flatMap((start) => [gateway.push(body(start)), gateway.push(short), gateway.scrape()]),
      );
      for (const start of starts) {
        await turns.push(body(start));
        await turns.push(short);
      }
      expect(await gateway.scrape()).toBe(await turns.scrape());
    }),
    { numRuns: runs(10) },
  );
});
