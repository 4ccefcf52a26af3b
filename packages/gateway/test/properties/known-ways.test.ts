/** A law about decoders and what they feed: known by its bytes, a body does to the state what it does when it is told in words. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { beginOpenMetrics } from '../../src/exposition/openmetrics/decode.ts';
import { beginProtobuf } from '../../src/exposition/protobuf/decode.ts';
import { PushProblem } from '../../src/model/errors.ts';
import type { PushDecoder } from '../../src/model/push-decoder.ts';
import type { SampleSink } from '../../src/model/sample-sink.ts';
import type { AggregationConfig, SenderMode } from '../../src/store/aggregation-config.ts';
import { WorkingState } from '../state/working-state.ts';
import { asOpenMetrics, asProtobuf, richFamilies } from '../support/rich-pushes.ts';
import type { RichFamily } from '../support/rich-pushes.ts';
import { ForgetfulSink } from '../support/sinks.ts';
import { runs } from '../support/runs.ts';
import { expectSame } from '../support/expect-same.ts';

type Format = 'openmetrics' | 'protobuf';

class Pushed {
  readonly working: WorkingState;
  readonly #builder: PushBuilder;
  readonly #sink: SampleSink;
  #nowMs = 0;

  constructor(knows: boolean, aggregation: Partial<AggregationConfig>) {
    this.working = new WorkingState(aggregation, 1);
    this.#builder = new PushBuilder(this.working.state);
    this.#sink = knows ? this.#builder : new ForgetfulSink(this.#builder);
  }

  push(body: Uint8Array, format: Format, slice: number, sender?: SenderMode): string {
    this.#nowMs += 1;
    try {
      this.#builder.begin(body, undefined, 'x', { ...(sender && { sender }) });
      const decoder = this.#begin(body, format);
      while (!decoder.advance(slice));
      const origin = { source: 'x', method: 'POST', nowMs: this.#nowMs, wallMs: 2e12 } as const;
      this.working.state.apply(this.#builder.finish(), body, origin);
      return 'taken';
    } catch (error) {
      if (error instanceof PushProblem) return `${error.code} at ${error.offset}`;
      throw error;
    }
  }

  #begin(body: Uint8Array, format: Format): PushDecoder {
    return format === 'protobuf'
      ? beginProtobuf(body, this.#sink)
      : beginOpenMetrics(body, this.#sink, { strict: true });
  }
}

function bodyOf(families: readonly RichFamily[], format: Format): Buffer {
  return format === 'protobuf' ? asProtobuf(families) : Buffer.from(asOpenMetrics(families));
}

const formats = fc.constantFrom<Format>('openmetrics', 'protobuf');
const summariesRules = fc.constantFrom('discard' as const, 'sum-and-count' as const);

test('known or in words, pushes are taken and do the same', () => {
  const push = fc.record({
    all: richFamilies,
    format: formats,
    again: fc.nat(2),
    slice: fc.integer({ min: 1, max: 400 }),
  });
  fc.assert(
    fc.property(fc.array(push, { minLength: 1, maxLength: 6 }), summariesRules, (pushes, summaries) => {
      const [knowing, unknowing] = [new Pushed(true, { summaries }), new Pushed(false, { summaries })];
      for (const { all, format, again, slice } of pushes) {
        const body = bodyOf(all, format);
        for (let time = 0; time <= again; time += 1) {
          expect(unknowing.push(body, format, body.length)).toBe('taken');
          expect(knowing.push(body, format, slice)).toBe('taken');
          expectSame(knowing.working.facts(), unknowing.working.facts());
        }
      }
    }),
    { numRuns: runs(150) },
  );
});

const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(2)), { minLength: 1, maxLength: 3 });

test('the same where senders that add and sources push the same series', () => {
  const metricRules =
    '[{"match":"gauge_0_seconds","gauge":"max"},{"match":"gauge_1_seconds","gauge":"last"}]';
  const aggregation = { byJob: true, mixed: true, metricRules } as const;
  const push = fc.record({
    all: richFamilies,
    format: formats,
    slice: fc.integer({ min: 1, max: 400 }),
    adds: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(push, { minLength: 1, maxLength: 8 }), (pushes) => {
      const [knowing, unknowing] = [new Pushed(true, aggregation), new Pushed(false, aggregation)];
      for (const { all, format, slice, adds } of pushes) {
        const body = bodyOf(all, format);
        const sender = { byJob: !adds, counterResets: 'accumulate-by-value' } as const;
        expect(unknowing.push(body, format, body.length, sender)).toBe('taken');
        expect(knowing.push(body, format, slice, sender)).toBe('taken');
        expectSame(knowing.working.facts(), unknowing.working.facts());
      }
    }),
    { numRuns: runs(150) },
  );
});

test('known or in words, a damaged body is taken or refused alike', () => {
  fc.assert(
    fc.property(richFamilies, richFamilies, formats, changes, (before, all, format, damage) => {
      const [knowing, unknowing] = [new Pushed(true, {}), new Pushed(false, {})];
      const body = bodyOf(all, format);
      for (const each of [bodyOf(before, format), body]) {
        for (const pushed of [knowing, unknowing]) pushed.push(each, format, each.length);
      }
      const bytes = [...body];
      for (const [at, byte, kind] of damage) {
        const place = at % Math.max(bytes.length, 1);
        bytes.splice(place, kind === 1 ? 0 : 1, ...(kind === 2 ? [] : [byte]));
      }
      const damaged = Uint8Array.from(bytes);
      // What comes first of two things that are wrong may depend on what is known.
      const [known, inWords] = [knowing, unknowing].map((pushed) =>
        pushed.push(damaged, format, damaged.length),
      );
      expect(known === 'taken').toBe(inWords === 'taken');
      expectSame(knowing.working.facts(), unknowing.working.facts());
    }),
    { numRuns: runs(500) },
  );
});
