/** Lines of a summary that is dropped: each stands once in a push, whatever is learnt or forgotten while that is read. */
import { expect, test } from 'vitest';

import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { beginProtobuf } from '../../src/exposition/protobuf/decode.ts';
import { beginText } from '../../src/exposition/text/decode.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { PushProblem } from '../../src/model/errors.ts';
import * as pb from '../support/protobuf.ts';
import { WorkingState } from '../state/working-state.ts';

const type = '# TYPE s summary\n';
const canonical = 's{a="1",quantile="0.5"} 1\n';
const others = ['s{quantile="0.5",a="1"} 2\n', 's{a="1",quantile="5e-1"} 3\n'];
const rest = 's_sum 1\n';

function begin(otherSpellingsBytesMax: number): WorkingState {
  return new WorkingState({ summaries: 'discard' }, 1, { ...defaultLimits, otherSpellingsBytesMax });
}

/** Reads a text in two halves, and lets something happen in between. */
function readAround(working: WorkingState, halves: readonly [string, string], between: () => void): string {
  const builder = new PushBuilder(working.state);
  const body = Buffer.from(halves.join(''));
  builder.begin(body);
  const decoder = beginText(body, builder);
  try {
    expect(decoder.advance(halves[0].length - 1)).toBe(false);
    between();
    while (!decoder.advance(body.length));
    builder.finish();
    return 'taken';
  } catch (error) {
    if (error instanceof PushProblem) return `${error.code} at ${error.offset}`;
    throw error;
  }
}

const rooms = { large: 1 << 20, small: 8 << 10, none: 1 } as const;
const changes: Readonly<Record<string, (working: WorkingState) => void>> = {
  nothing: () => {},
  'the line is learnt': (working) => {
    for (const line of [canonical, ...others]) working.push(type + line);
  },
  'so much is learnt that the line is forgotten': (working) => {
    for (let i = 0; i < 200; i += 1) working.push(`${type}s{a="${i}${'x'.repeat(100)}",quantile="0.5"} 1\n`);
  },
  'it is forgotten and learnt again': (working) => {
    changes['so much is learnt that the line is forgotten']!(working);
    for (const line of [canonical, ...others]) working.push(type + line);
  },
};
const ways = Object.entries(rooms).flatMap(([room, bytes]) =>
  Object.keys(changes).flatMap((change) =>
    [false, true].map((isKnown) => ({ room, bytes, change, isKnown })),
  ),
);

test.each(ways)('room: $room, known before: $isKnown, meanwhile $change', ({ bytes, change, isKnown }) => {
  for (const first of [canonical, ...others]) {
    for (const second of [canonical, ...others]) {
      const working = begin(bytes);
      working.push(`${type}${rest}`);
      if (isKnown) for (const line of [canonical, ...others]) working.push(type + line);
      const meanwhile = (): void => changes[change]!(working);
      const head = type + first;
      expect(readAround(working, [head, second], meanwhile)).toBe(`duplicate_series at ${head.length}`);
      expect(readAround(working, [head, rest], meanwhile)).toBe('taken');
    }
  }
});

test('the room for spellings is for all of it', () => {
  const room = 64 << 10;
  const { state } = begin(room);
  const builder = new PushBuilder(state);
  let most = 0;
  for (let i = 0; i < 2000; i += 1) {
    const body = Buffer.from(`${type}s{quantile="0.5",a="${i}${'x'.repeat(i % 700)}"} 1\n`);
    builder.begin(body);
    while (!beginText(body, builder).advance(body.length));
    state.apply(builder.finish(), body, { source: 'x', method: 'POST', nowMs: i, wallMs: i });
    const { seriesCache, discardedTexts } = state;
    most = Math.max(most, seriesCache.text.bytes + seriesCache.openmetrics.bytes + discardedTexts.bytes);
  }
  expect(most).toBeGreaterThan(room / 2);
  expect(most).toBeLessThanOrEqual(room);
});

const metric = (quantiles: readonly (readonly [number, number])[]): Buffer =>
  pb.summary({ a: '1' }, { count: 5, sum: 10, quantiles });
const good = [
  [0.5, 1],
  [0.9, 2],
] as const;
const twice = [...good, [0.5, 3]] as const;

test('protobuf: a metric and a quantile of it stand once', () => {
  const { state } = begin(1 << 20);
  const builder = new PushBuilder(state);
  const push = (...metrics: readonly Buffer[]): string => {
    const body = pb.family('s', { type: 'summary' }, ...metrics);
    builder.begin(body);
    const decoder = beginProtobuf(body, builder);
    try {
      while (!decoder.advance(body.length));
      state.apply(builder.finish(), body, { source: 'x', method: 'POST', nowMs: 1, wallMs: 1 });
    } catch (error) {
      if (error instanceof PushProblem) return error.message;
      throw error;
    }
    return `${builder.batch.ignoredSummary} of ${builder.batch.samples} dropped`;
  };
  for (let times = 0; times < 3; times += 1) {
    expect(push(metric(twice))).toBe(
      's{a="1",quantile="0.5"} appears twice in this push; send each series once',
    );
    expect(push(metric(good), metric(good))).toBe(
      's_count{a="1"} appears twice in this push; send each series once',
    );
    expect(push(metric(good))).toBe('4 of 4 dropped');
  }
});
