/** Laws about labels in any order: a series is the same one, whatever its values look like, and nothing is kept of how it was written. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { beginText } from '../../src/exposition/text/decode.ts';
import { createGateway, RequestError } from '../../src/index.ts';
import type { EmbeddedGateway } from '../../src/index.ts';
import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { WorkingState } from '../state/working-state.ts';
import { runs } from '../support/runs.ts';

/** Among them what looks like the end of a label, escaped as in a body. */
const labelValue = fc.constantFrom(
  '1',
  '2',
  '12',
  '',
  ',',
  '=',
  'x=',
  '{',
  'x{',
  '}',
  'é',
  '\\\\',
  '\\"',
  '\\",a=\\"1',
  '\\\\\\",b=\\"',
  '1,b=',
  ',c=',
  '\\n',
);
const labelName = fc.constantFrom('a', 'b', 'aa', 'c', 'le', '"d.e"', '",a="');
const series = fc.record({
  name: fc.constantFrom('m', 'mm', 'm_bucket', 'h_bucket', 'h_count'),
  labels: fc.uniqueArray(fc.tuple(labelName, labelValue), { selector: ([name]) => name, maxLength: 4 }),
});
/** Lines of a body have mostly one order, as they come from one program. */
const push = fc.record({
  lines: fc.array(fc.record({ of: fc.nat(9), turn: fc.option(fc.nat(3), { freq: 4 }), value: fc.nat(9) }), {
    maxLength: 10,
  }),
  turn: fc.nat(3),
  reversed: fc.boolean(),
  typed: fc.boolean(),
  again: fc.nat(2),
});

async function answer(gateway: EmbeddedGateway, body: string): Promise<string> {
  try {
    await gateway.push(body);
    return 'taken';
  } catch (error) {
    if (error instanceof RequestError) return error.code;
    throw error;
  }
}

test('known or parsed, labels in any order are the same series', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(series, { minLength: 1, maxLength: 10 }),
      fc.array(push, { minLength: 1, maxLength: 6 }),
      async (all, pushes) => {
        const [known, parsed] = [createGateway(), createGateway()];
        for (const { lines, turn, reversed, typed, again } of pushes) {
          const body = (blank: string): string =>
            lines.reduce(
              (text, line) => {
                const { name, labels } = all[line.of % all.length]!;
                const at = (line.turn ?? turn) % Math.max(labels.length, 1);
                const turned = [...labels.slice(at), ...labels.slice(0, at)];
                if (reversed) turned.reverse();
                const inner = turned.map(([label, value]) => `${label}="${value}"`).join(',');
                return `${text}${blank}${name}{${inner}} ${line.value}\n`;
              },
              typed ? '# TYPE m counter\n# TYPE h histogram\n' : '',
            );
          for (let time = 0; time <= again; time += 1) {
            // No fast way knows a line that begins with a blank.
            expect(await answer(known, body(''))).toBe(await answer(parsed, body(' ')));
          }
        }
        expect(await known.scrape()).toBe(await parsed.scrape());
      },
    ),
    { numRuns: runs(500) },
  );
});

class Pushed {
  readonly state = new WorkingState({}, 1).state;
  readonly #builder = new PushBuilder(this.state);

  push(text: string): void {
    const body = Buffer.from(text);
    this.#builder.begin(body);
    while (!beginText(body, this.#builder).advance(body.length));
    this.state.apply(this.#builder.finish(), body, { source: 'x', method: 'POST', nowMs: 1, wallMs: 2e12 });
  }

  get keyBytes(): number {
    return this.state.seriesCache.text.bytes;
  }
}

test('nothing is kept of a series whose labels are in another order', () => {
  const pushed = new Pushed();
  for (let round = 0; round < 3; round += 1) {
    for (const inner of ['b="1",a="2"', 'b="x\\"y",a="é"', 'c="1",b="2",a="3"', 'b="1",c="2",a="3"']) {
      pushed.push(`m{${inner}} 1\nx_bucket{le="1",a="${round}"} 1\n`);
    }
  }
  expect(pushed.keyBytes).toBe(0);
  expect(pushed.state.accumulators.size).toBe(7);
});

test('what differs from the text in more than the order is kept as before', () => {
  const pushed = new Pushed();
  pushed.push('m{b="1",a="2",} 1\nm{ b="2",a="2"} 1\n');
  expect(pushed.keyBytes).toBeGreaterThan(0);
});

test('one series in two orders is refused as a duplicate', async () => {
  const gateway = createGateway();
  for (let round = 0; round < 3; round += 1) {
    expect(await answer(gateway, 'm{b="1",a="2"} 1\nm{a="2",b="1"} 1\n')).toBe('duplicate_series');
    expect(await answer(gateway, 'm{b="1",a="2"} 1\nm{b="1",a="3"} 1\n')).toBe('taken');
    expect(await answer(gateway, 'm{a="2",b="1"} 1\nm{b="1",a="2"} 1\n')).toBe('duplicate_series');
  }
});

test.each([
  ['a quote in a value', 'm{a="1\\",b=\\"2",c="3"}', 'm{b=\\"2",c="3",a="1\\"}'],
  ['a comma that begins a value', 'm{aa=",z=",c="3"}', 'm{z=",c="3",aa="}'],
  ['a comma that begins a name', 'm{",a"="1",c="3"}', 'm{a"="1",c="3","}'],
])('%s is not taken for the end of a label', async (_, text, cutThere) => {
  const gateway = createGateway();
  expect(await answer(gateway, `m{a="0",b="0"} 1\n${text} 1\n`)).toBe('taken');
  for (let round = 0; round < 3; round += 1) {
    expect(await answer(gateway, 'm{b="0",a="0"} 1\n')).toBe('taken');
    expect(await answer(gateway, `m{b="0",a="0"} 1\n${cutThere} 1\n`)).toBe('syntax');
  }
});
