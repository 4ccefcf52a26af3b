/**
 * Adds labels of the path, where that is all that is done to a push: the builder does it, line by line, and what each series key has led to is
 * remembered here for the next push of such a path.
 */
import type { Label } from '../../model/labels.ts';
import { UNKNOWN } from '../../model/known-series.ts';
import type { SeriesKey } from '../../model/sample-sink.ts';
import { HASH, viewOf } from '../../primitives/bytes.ts';
import { AccumulatorKind } from '../../store/policies.ts';
import { KeyedSink } from './keyed-sink.ts';
import type { PushRules } from './push-rules.ts';

export class LabelledSeries extends KeyedSink {
  #body: DataView = new DataView(new ArrayBuffer(0));

  /** The builder must have been begun with the labels that series get. */
  begin(body: Uint8Array, rules: PushRules): void {
    this.#body = viewOf(body);
    this.beginPush(rules);
  }

  find(view: DataView, start: number, end: number, hash: number): number {
    const key = view.getUint8(start) === HASH ? -1 : this.keys.table.keys.find(view, start, end, hash);
    const known = key < 0 ? UNKNOWN : this.met(key);
    return known === UNKNOWN ? this.builder.find(view, start, end, hash) : known;
  }

  guessKey(head: DataView, headEnd: number, view: DataView, start: number, end: number): number {
    const { next } = this.keys;
    const known = this.keys.isInTwo(head, headEnd, view, start, end) ? this.met(next) : UNKNOWN;
    return known === UNKNOWN ? this.builder.guessKey(head, headEnd, view, start, end) : known;
  }

  findKey(view: DataView, start: number, end: number, hash: number): number {
    const key = this.keys.table.keys.find(view, start, end, hash);
    const known = key < 0 ? UNKNOWN : this.met(key);
    return known === UNKNOWN ? this.builder.findKey(view, start, end, hash) : known;
  }

  addSample(name: string, labels: readonly Label[], value: number, seriesKey: SeriesKey): void {
    const builder = this.builder;
    const { length } = builder.batch;
    builder.addSample(name, labels, value, seriesKey);
    if (!seriesKey.repeatable || builder.batch.length !== length + 1) return;
    // What is new has no accumulator yet, and what a line has given another meaning may have this one in this push alone.
    const accumulator = builder.batch.accumulators[length]!;
    if (accumulator < 0 || builder.expected.families.meaningsChanged) return;
    const { start, end, key } = seriesKey;
    const { table } = this.keys;
    if (key === undefined) table.learn(this.#body, start, end, accumulator);
    else table.learn(key.view, key.start, key.end, accumulator);
  }

  addStartOf(name: string, labels: readonly Label[], startMs: number): void {
    this.builder.addStartOf(name, labels, startMs);
  }

  protected override met(key: number): number {
    const accumulator = this.keys.table.accumulators[key]!;
    if (accumulator < 0 || this.builder.expected.families.meaningsChanged) return UNKNOWN;
    if (this.state.accumulators.kind[accumulator] === AccumulatorKind.FREE) return UNKNOWN;
    this.keys.pass(key);
    return accumulator;
  }
}
