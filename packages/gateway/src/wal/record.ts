/**
 * What happens to the state, as bytes: one record for each change, from which `State` can be made to do the same again. A record holds what
 * the rules made of a push, and everything that its application needs besides the state: time, source, and what is new.
 *
 *   record   kind, epoch, nowMs, wallMs, then by kind
 *   push     method, source, key?, news?, entries, details?, turned?, began?   remove  source
 *   expire   pruneBeforeMs, forgetBeforeMs, most         recycle nothing       rules  see AggregationConfig
 *   keyBounds  windowMs, keysMax
 *
 *   news     families, groups, accumulators that the state does not have      entries  (accumulator, value)…, nearly always two to nine bytes
 *
 * Accumulators go by number, which is what makes records small: a line of a hundred bytes becomes ten at the most. Numbers are given out in
 * the order of records, so they mean the same when the records are read again. The epoch tells whether that is so: it
 * counts all that can change the meaning of a number, and a record for another epoch than that of the state is not applied.
 */
import { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';
import { atOnce } from '../primitives/turns.ts';
import type { Batch } from '../store/batch.ts';
import { emptyBatch, resetBatch } from '../store/batch.ts';
import { IDENTITY_BYTES, UNHELD_IDENTITY_BYTES } from '../store/idempotency-keys.ts';
import type { KeyBounds } from '../store/idempotency-keys.ts';
import {
  readBegan,
  readDetails,
  readTurned,
  writeBegan,
  writeBeganInSteps,
  writeDetails,
  writeDetailsInSteps,
  writeTurned,
  writeTurnedInSteps,
} from './record-details.ts';
import { readNewSeries, writeNewSeries, writeNewSeriesInSteps } from './record-new-series.ts';
import { readEntries, writeEntries, writeEntriesInSteps } from './record-entries.ts';
import type { AggregationConfig } from '../store/aggregation-config.ts';
import type { PushOrigin, State } from '../state/state.ts';

/** Earlier versions did not say in EARLIER_PUSH which samples are start times. */
const [EARLIER_PUSH, REMOVE, EXPIRE, RECYCLE, RULES, KEY_BOUNDS, PUSH] = [1, 2, 3, 4, 5, 6, 7] as const;

/** Earlier versions wrote keys without a holder. */
const [BY_PUT, WITH_UNHELD_KEY, WITH_NEW_SERIES, WITH_DETAILS, WITH_KEY, WITH_TURNED, WITH_BEGAN] = [
  1, 2, 4, 8, 16, 32, 64,
] as const;

const resets = [
  'overwrite',
  'accumulate',
  'accumulate-by-value',
] as const satisfies readonly AggregationConfig['counterResets'][];
/** Added to the number of the treatment of summaries; of PATH_LABELS as many as the number of the choice, which earlier versions left at 0. */
const [DROPS_WITHDRAWN, COMPOSITES, PATH_LABELS] = [2, 4, 8] as const;
const summaries = ['discard', 'sum-and-count'] as const satisfies readonly AggregationConfig['summaries'][];
const pathLabels = [undefined, 'drop', 'add'] as const satisfies readonly AggregationConfig['pathLabels'][];

export interface Times {
  /** What ages are counted by: milliseconds that never go back. */
  readonly nowMs: number;
  /** Milliseconds since the Unix epoch, as the clock on the wall said. */
  readonly wallMs: number;
}

export interface Expiry {
  /** Sources silent since are reset or forgotten; -Infinity for none. */
  readonly pruneBeforeMs: number;
  readonly forgetBeforeMs: number;
  readonly most: number;
}

/** A change of the state, read back. The batch and the key are valid until the next record is read. */
type Change = Times &
  (
    | {
        readonly kind: 'push';
        readonly batch: Batch;
        readonly origin: PushOrigin;
        readonly key: Uint8Array | undefined;
      }
    | { readonly kind: 'remove'; readonly source: string }
    | { readonly kind: 'expire'; readonly expiry: Expiry }
    | { readonly kind: 'recycle' }
    | { readonly kind: 'rules'; readonly aggregation: AggregationConfig }
    | { readonly kind: 'keyBounds'; readonly bounds: KeyBounds }
  );

/** Writes records for a state as it is. What a method returns is valid until the next call. */
export class RecordWriter {
  readonly #state: State;
  readonly #writer = new ByteWriter();

  constructor(state: State) {
    this.#state = state;
  }

  /** A push whose batch was made for the state as it is, not yet applied. */
  push(batch: Batch, origin: PushOrigin, key: Uint8Array | undefined): Uint8Array {
    const writer = this.#beginPush(batch, origin, key);
    if (hasNewSeries(batch)) writeNewSeries(writer, batch);
    writeEntries(writer, batch);
    if (hasDetails(batch)) writeDetails(writer, batch);
    if (batch.turned.length > 0) writeTurned(writer, batch);
    if (batch.began.length > 0) writeBegan(writer, batch);
    return writer.bytes();
  }

  /** The same in steps; nothing else may be written meanwhile, and the state and the batch must stay as they are, but for totals. */
  *pushInSteps(batch: Batch, origin: PushOrigin, key: Uint8Array | undefined): Generator<void, Uint8Array> {
    const { rows } = this.#state.pace;
    const writer = this.#beginPush(batch, origin, key);
    if (hasNewSeries(batch)) yield* writeNewSeriesInSteps(writer, batch, rows);
    yield* writeEntriesInSteps(writer, batch, rows);
    if (hasDetails(batch)) yield* writeDetailsInSteps(writer, batch, rows);
    if (batch.turned.length > 0) yield* writeTurnedInSteps(writer, batch, rows);
    if (batch.began.length > 0) yield* writeBeganInSteps(writer, batch, rows);
    return writer.bytes();
  }

  #beginPush(batch: Batch, origin: PushOrigin, key: Uint8Array | undefined): ByteWriter {
    const writer = this.#begin(PUSH, origin);
    writer.byte(
      (origin.method === 'PUT' ? BY_PUT : 0) |
        (key === undefined ? 0 : WITH_KEY) |
        (hasNewSeries(batch) ? WITH_NEW_SERIES : 0) |
        (hasDetails(batch) ? WITH_DETAILS : 0) |
        (batch.turned.length > 0 ? WITH_TURNED : 0) |
        (batch.began.length > 0 ? WITH_BEGAN : 0),
    );
    writer.text(this.#state.aggregation.byJob ? origin.source : '');
    if (key !== undefined) writer.raw(key);
    return writer;
  }

  remove(source: string, times: Times): Uint8Array {
    const writer = this.#begin(REMOVE, times);
    writer.text(source);
    return writer.bytes();
  }

  expire({ pruneBeforeMs, forgetBeforeMs, most }: Expiry, times: Times): Uint8Array {
    const writer = this.#begin(EXPIRE, times);
    writer.double(pruneBeforeMs);
    writer.double(forgetBeforeMs);
    writer.whole(most);
    return writer.bytes();
  }

  recycle(times: Times): Uint8Array {
    return this.#begin(RECYCLE, times).bytes();
  }

  aggregation(aggregation: AggregationConfig, times: Times): Uint8Array {
    const writer = this.#begin(RULES, times);
    writeAggregation(writer, aggregation);
    return writer.bytes();
  }

  keyBounds(bounds: KeyBounds, times: Times): Uint8Array {
    const writer = this.#begin(KEY_BOUNDS, times);
    writeKeyBounds(writer, bounds);
    return writer.bytes();
  }

  #begin(kind: number, { nowMs, wallMs }: Times): ByteWriter {
    const writer = this.#writer;
    writer.reset();
    writer.byte(kind);
    writer.whole(this.#state.epoch);
    writer.double(nowMs);
    writer.double(wallMs);
    return writer;
  }
}

function hasNewSeries({ families, pendingSeries }: Batch): boolean {
  return families.length > 0 || pendingSeries.length > 0;
}

function hasDetails({ starts, exemplars }: Batch): boolean {
  return starts.length > 0 || exemplars.length > 0;
}

export class RecordReader {
  readonly #state: State;
  readonly #batch: Batch;
  readonly #reader = new ByteReader();

  constructor(state: State) {
    this.#state = state;
    this.#batch = emptyBatch(state.hashSeed);
  }

  /** Reads a record that is to be applied to the state as it is. Throws when it was not made for such a state. */
  read(record: Uint8Array): Change {
    return atOnce(this.readInSteps(record));
  }

  /** The same; the bytes must stay as they are until the last step. */
  *readInSteps(record: Uint8Array): Generator<void, Change> {
    const reader = this.#reader;
    reader.reset(record);
    const kind = reader.byte();
    const epoch = reader.whole();
    if (epoch !== this.#state.epoch) {
      throw new Error(
        `the record was made for epoch ${epoch} of the state, which is at ${this.#state.epoch}`,
      );
    }
    const change = yield* this.#readChange(kind, { nowMs: reader.double(), wallMs: reader.double() });
    if (!reader.isAtEnd) throw new Error('the record is longer than what it says');
    return change;
  }

  *#readChange(kind: number, times: Times): Generator<void, Change> {
    const reader = this.#reader;
    switch (kind) {
      case EARLIER_PUSH:
      case PUSH:
        return yield* this.#readPush(times, kind === PUSH);
      case REMOVE:
        return { kind: 'remove', source: reader.text(), ...times };
      case EXPIRE: {
        const expiry = {
          pruneBeforeMs: reader.double(),
          forgetBeforeMs: reader.double(),
          most: reader.whole(),
        };
        return { kind: 'expire', expiry, ...times };
      }
      case RECYCLE:
        return { kind: 'recycle', ...times };
      case RULES:
        return { kind: 'rules', aggregation: readAggregation(reader), ...times };
      case KEY_BOUNDS:
        return { kind: 'keyBounds', bounds: readKeyBounds(reader), ...times };
    }
    throw new Error(`the record is of an unknown kind, ${kind}`);
  }

  *#readPush(times: Times, judgesStartTimes: boolean): Generator<void, Change> {
    const reader = this.#reader;
    const batch = this.#batch;
    const { pace, families } = this.#state;
    pace.begin();
    resetBatch(batch);
    batch.judgesStartTimes = judgesStartTimes;
    const flags = reader.byte();
    const source = reader.text();
    const key = readKey(reader, flags);
    if ((flags & WITH_NEW_SERIES) !== 0) yield* readNewSeries(reader, batch, { pace, families });
    yield* readEntries(reader, batch, pace);
    if ((flags & WITH_DETAILS) !== 0) yield* readDetails(reader, batch, pace);
    if ((flags & WITH_TURNED) !== 0) yield* readTurned(reader, batch, pace);
    if ((flags & WITH_BEGAN) !== 0) yield* readBegan(reader, batch, pace);
    const method = (flags & BY_PUT) === 0 ? 'POST' : 'PUT';
    return { kind: 'push', batch, origin: { source, method, ...times }, key, ...times };
  }
}

function readKey(reader: ByteReader, flags: number): Uint8Array | undefined {
  if ((flags & WITH_KEY) !== 0) return reader.raw(IDENTITY_BYTES);
  return (flags & WITH_UNHELD_KEY) === 0 ? undefined : reader.raw(UNHELD_IDENTITY_BYTES);
}

export function writeKeyBounds(writer: ByteWriter, { windowMs, keysMax }: KeyBounds): void {
  writer.double(windowMs);
  writer.double(keysMax);
}

export function readKeyBounds(reader: ByteReader): KeyBounds {
  const windowMs = reader.double();
  return { windowMs, keysMax: reader.double() };
}

export function writeAggregation(writer: ByteWriter, aggregation: AggregationConfig): void {
  writer.byte(aggregation.byJob ? 1 : 0);
  writer.byte(resets.indexOf(aggregation.counterResets));
  writer.byte(
    summaries.indexOf(aggregation.summaries) +
      (aggregation.dropsWithdrawn === true ? DROPS_WITHDRAWN : 0) +
      (aggregation.composites === true ? COMPOSITES : 0) +
      pathLabels.indexOf(aggregation.pathLabels) * PATH_LABELS,
  );
}

export function readAggregation(reader: ByteReader): AggregationConfig {
  const byJob = reader.byte() === 1;
  const counterResets = resets[reader.byte()];
  const byte = reader.byte();
  const treatment = summaries[byte % DROPS_WITHDRAWN];
  const labels = Math.floor(byte / PATH_LABELS);
  if (counterResets === undefined || treatment === undefined || labels >= pathLabels.length)
    throw new Error('these rules are unknown');
  const aggregation = { byJob, counterResets, summaries: treatment, pathLabels: pathLabels[labels] };
  return {
    ...aggregation,
    ...((byte & DROPS_WITHDRAWN) === 0 ? {} : { dropsWithdrawn: true as const }),
    ...((byte & COMPOSITES) === 0 ? {} : { composites: true as const }),
  };
}
