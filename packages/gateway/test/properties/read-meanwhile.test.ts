/**
 * A long push is read while others are counted (gateway/ledger/long-read.ts). Where what was read still holds in the end, all is as if they
 * had come first, down to the numbers of accumulators: else a record would say something else when it is read again. Once it insists, it holds.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { LongRead } from '../../src/gateway/ledger/long-read.ts';
import { checkLeaving } from '../../src/ingest/leaving.ts';
import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { beginOpenMetrics } from '../../src/exposition/openmetrics/decode.ts';
import { beginProtobuf } from '../../src/exposition/protobuf/decode.ts';
import { beginText } from '../../src/exposition/text/decode.ts';
import { PushProblem } from '../../src/model/errors.ts';
import type { PushDecoder } from '../../src/model/push-decoder.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { RemoveSource } from '../../src/wal/commands.ts';
import { byOf, Course, step, steps } from '../state/course.ts';
import type { Step } from '../state/course.ts';
import { WorkingState } from '../state/working-state.ts';
import { asOpenMetrics, asProtobuf, richFamilies } from '../support/rich-pushes.ts';
import type { RichFamily } from '../support/rich-pushes.ts';
import { runs } from '../support/runs.ts';
import { expectSame } from '../support/expect-same.ts';

const modes = [
  { byJob: false },
  { byJob: false, summaries: 'discard' },
  { byJob: true, counterResets: 'overwrite' },
  { byJob: true, counterResets: 'accumulate' },
  { byJob: true, counterResets: 'accumulate', mixed: true },
] as const;

const formats = ['text', 'openmetrics', 'protobuf'] as const;
/** No line of the pushes here is longer. */
const SLICE_BYTES = 160;
const origin = { source: '[["job","long"]]', method: 'POST', nowMs: 2_000_000, wallMs: 2_000_000 } as const;

/** What others do, each in a source of its own. Those of one name with the long push disturb it, mostly. */
const other = fc.oneof(
  { weight: 3, arbitrary: step },
  {
    weight: 3,
    arbitrary: fc.record({
      push: fc
        .tuple(fc.constantFrom('x', 'a', 'c', 'h', 'x_count'), fc.nat(40), fc.boolean())
        .map(
          ([name, id, isGauge]) => `# TYPE ${name} ${isGauge ? 'gauge' : 'counter'}\n${name}{o="${id}"} 1\n`,
        ),
      source: fc.constantFrom('x', 'o'),
      method: fc.constantFrom('PUT' as const, 'POST' as const),
    }),
  },
  { weight: 1, arbitrary: richFamilies },
);
type Other = Step | readonly RichFamily[];

const long = fc.oneof(
  fc.array(step, { minLength: 1, maxLength: 5 }).map((all) => {
    const text = all.flatMap((each) => ('push' in each ? each.push.split('\n') : []));
    // Each line once, or nearly all would be refused.
    return `${[...new Set(text)].join('\n')}\n`;
  }),
  richFamilies,
);

class Waits extends Error {}

const READ_AGAIN = 'read again';

test.each(modes)('a long push and those that come while it is read (%o)', (aggregation) => {
  fc.assert(
    fc.property(
      steps,
      long,
      fc.constantFrom(...formats),
      fc.array(fc.array(other, { maxLength: 3 }), { maxLength: 8 }),
      fc.boolean(),
      fc.constantFrom('adds' as const, 'accumulates' as const),
      (before, body, format, meanwhile, insists, sender) => {
        const [one, first] = [new WorkingState(aggregation, 1), new WorkingState(aggregation, 1)];
        const course = new Course();
        for (const each of before) course.take(each, [one, first]);
        const reading = read(one, body, format, sender);
        if (insists) reading.longRead.insist();
        for (const others of meanwhile) {
          if (reading.next().done === true) break;
          for (const each of others) if (isTaken(each, one, reading.longRead)) take(each, first);
        }
        if (insists) expect(reading.builder.isUnchanged()).toBe(true);
        const outcome = finish(one, reading);
        if (outcome === READ_AGAIN) expect(insists).toBe(false);
        else expect(outcome).toBe(finish(first, read(first, body, format, sender)));
        expectSame(one.facts(), first.facts());
      },
    ),
    { numRuns: runs(1500) },
  );
});

interface Reading {
  readonly builder: PushBuilder;
  readonly longRead: LongRead;
  readonly bytes: Buffer;
  /** Reads a part, unless it has to be read again anyhow; a refusal is kept for the end. */
  next(): { readonly done: boolean };
  readonly refusal: () => PushProblem | undefined;
}

function read(
  working: WorkingState,
  pushed: string | readonly RichFamily[],
  format: string,
  sender: 'adds' | 'accumulates',
): Reading {
  const isProtobuf = typeof pushed !== 'string' && format === 'protobuf';
  const bytes = isProtobuf
    ? asProtobuf(pushed)
    : Buffer.from(typeof pushed === 'string' ? pushed : asOpenMetrics(pushed));
  const builder = new PushBuilder(working.state, () => origin.wallMs);
  working.state.readers.hold();
  builder.begin(bytes, undefined, origin.source, byOf({ ...origin, sender }, working.state));
  let decoder: PushDecoder;
  if (isProtobuf) decoder = beginProtobuf(bytes, builder);
  else if (typeof pushed === 'string') decoder = beginText(bytes, builder);
  else decoder = beginOpenMetrics(bytes, builder, { strict: false });
  let problem: PushProblem | undefined;
  let done = false;
  return {
    builder,
    longRead: new LongRead(working.state, builder),
    bytes,
    refusal: () => problem,
    next() {
      try {
        done ||= !builder.isUnchanged() || decoder.advance(SLICE_BYTES);
      } catch (error) {
        if (!(error instanceof PushProblem)) throw error;
        problem = error;
        done = true;
      }
      return { done };
    },
  };
}

/** Reads the rest and applies it; returns what became of it. */
function finish({ state }: WorkingState, reading: Reading): string {
  try {
    while (!reading.next().done);
    if (!atOnce(reading.builder.isCurrentInSteps())) return READ_AGAIN;
    const refused = reading.refusal();
    if (refused !== undefined) throw refused;
    const batch = reading.builder.finish();
    atOnce(checkLeaving(state, batch, origin));
    if (state.mayBeLate(batch) && atOnce(state.isLateInSteps(batch, origin))) return 'late';
    state.apply(batch, reading.bytes, origin);
    return 'taken';
  } catch (error) {
    if (error instanceof PushProblem) return error.code;
    throw error;
  } finally {
    state.readers.letGo();
  }
}

/** Has others go on where they may, as the ledger does. */
function isTaken(each: Other, one: WorkingState, longRead: LongRead): boolean {
  if ('waitMs' in each || 'recycle' in each) return false;
  if ('remove' in each && !longRead.mayGoOn(new RemoveSource(each.remove))) return false;
  one.beforeApplying = (batch, by) => {
    if (!longRead.mayApply(batch, by)) throw new Waits();
  };
  try {
    take(each, one);
  } catch (error) {
    if (error instanceof Waits) return false;
    throw error;
  } finally {
    one.beforeApplying = () => {};
  }
  if (!('remove' in each)) longRead.applied();
  return true;
}

function take(each: Other, working: WorkingState): void {
  const nowMs = 1_500_000;
  if (Array.isArray(each)) working.push(asProtobuf(each), { source: 'o', nowMs });
  else if ('push' in each) working.push(each.push, { ...byOf(each, working.state), nowMs });
  else if ('remove' in each) working.state.remove(each.remove);
}
