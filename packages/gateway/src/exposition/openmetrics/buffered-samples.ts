/**
 * Samples with timestamps. A metric may be written at several points in time, of which the aggregate takes the last, so they
 * are held back until another metric begins.
 */
import { PushProblem } from '../../model/errors.ts';
import type { Label } from '../../model/labels.ts';
import type { SampleSink } from '../../model/sample-sink.ts';
import { shorten } from '../../primitives/quote.ts';
import type { Sample } from './parse-sample.ts';

/** A sample and what it is to the sink. */
interface ParsedSample {
  readonly sample: Sample;
  /** What the sink calls it; of a start time: the sample of the series that it is of. */
  readonly name: string;
  readonly isStart: boolean;
}

/** They are handed over in one go. */
const HELD_MAX = 4096;

export class BufferedSamples {
  readonly #sink: SampleSink;
  readonly #isStrict: boolean;
  /** By the series key of the series. */
  #buffered: Map<string, ParsedSample> | undefined;
  #metric = '';
  #timestamp = Number.NEGATIVE_INFINITY;

  constructor(sink: SampleSink, isStrict: boolean) {
    this.#sink = sink;
    this.#isStrict = isStrict;
  }

  /** Holds a sample of the metric with these labels. `reserved` is the label that tells samples of one metric apart. */
  add(parsed: ParsedSample, timestamp: number, reserved: string): void {
    const { sample } = parsed;
    const metric = metricOf(sample.labels, reserved);
    if (metric !== this.#metric) {
      this.flush();
      this.#metric = metric;
    }
    if (this.#isStrict && timestamp < this.#timestamp) {
      throw new PushProblem(
        'syntax',
        `${shorten(sample.name)} has timestamps out of order, from ${this.#timestamp} to ${timestamp}; write the samples of a metric in ascending order of timestamp`,
        sample.start,
      );
    }
    this.#timestamp = timestamp;
    this.#buffered ??= new Map();
    if (this.#buffered.size === HELD_MAX) {
      throw new PushProblem(
        'buckets_limit',
        `${shorten(sample.name)} has more than ${HELD_MAX} samples with timestamps and the same labels; leave the timestamps out`,
        sample.start,
      );
    }
    this.#buffered.set(JSON.stringify([sample.name, sample.labels]), parsed);
  }

  /** Hands over what is buffered. Call before anything else goes to the sink. */
  flush(): void {
    if (this.#buffered === undefined) return;
    this.#timestamp = Number.NEGATIVE_INFINITY;
    for (const parsed of this.#buffered.values()) emitSample(this.#sink, parsed);
    this.#buffered = undefined;
  }

  /** Whether samples of the metric with these labels are held. */
  holds(labels: readonly Label[], reserved: string): boolean {
    return this.#buffered !== undefined && metricOf(labels, reserved) === this.#metric;
  }

  get isEmpty(): boolean {
    return this.#buffered === undefined;
  }
}

/** The labels that the samples of one metric share, as one text. An empty value means no label. */
export function metricOf(labels: readonly Label[], reserved: string): string {
  return JSON.stringify(
    labels
      .flatMap(({ name, value }) => (name === reserved || value === '' ? [] : [`${name}=${value}`]))
      .toSorted(),
  );
}

export function emitSample(sink: SampleSink, { sample, name, isStart }: ParsedSample): void {
  const { labels, value, start, seriesEnd, exemplar } = sample;
  if (isStart) {
    if (isStartTime(value)) sink.addStartOf(name, labels, value * 1_000);
    return;
  }
  // Under another name it may be somebody else's series key.
  sink.addSample(name, labels, value, { start, end: seriesEnd, repeatable: name === sample.name });
  if (exemplar !== undefined) sink.addExemplar(exemplar);
}

/** Whether a number of seconds can be a start time. What cannot, clients write where they know none. */
export function isStartTime(seconds: number): boolean {
  return seconds > 0 && seconds < Number.POSITIVE_INFINITY;
}
