/**
 * A push as a command. It is the hot path, and may be long: so it is encoded at once or in steps, and its record is decoded in steps, into a batch
 * that is used again.
 *
 *   record   flags, source, counter resets?, key?, owner?, new series?, entries, details?, turned?, began?
 *
 * The source is empty where the sender adds, and what its counters mean that fall is said where it is not what the state has it for others.
 */
import type { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';
import type { State } from '../state/state.ts';
import type { Batch } from '../store/batch.ts';
import { resetBatch } from '../store/batch.ts';
import { IDENTITY_BYTES, UNHELD_IDENTITY_BYTES } from '../store/idempotency-keys.ts';
import { writeForwarded } from './forwarded-command.ts';
import type { ForwardedFrom } from './forwarded-command.ts';
import { RecordCode } from './commands.ts';
import type { Command, Target, Times } from './commands.ts';
import { readCounterResets, writeCounterResets } from './configs.ts';
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
import { readEntries, writeEntries, writeEntriesInSteps } from './record-entries.ts';
import { readNewSeries, writeNewSeries, writeNewSeriesInSteps } from './record-new-series.ts';

/** Earlier versions wrote keys without a holder. */
const [BY_PUT, WITH_UNHELD_KEY, WITH_NEW_SERIES, WITH_DETAILS] = [1, 2, 4, 8] as const;
const [WITH_KEY, WITH_TURNED, WITH_BEGAN, WITH_RESETS] = [16, 32, 64, 128] as const;

/** Where series keys are learnt from; there are none in a record. */
const noBody = new Uint8Array(0);

interface From {
  readonly source: string;
  readonly method: 'PUT' | 'POST';
  /** See IdempotencyKeys; undefined for a push without a key. */
  readonly identity?: Uint8Array | undefined;
  /** Undefined for one that came to the leader itself. */
  readonly forwarded?: ForwardedFrom | undefined;
}

export class PushCommand implements Command<void> {
  /** Made for the state as it is, and not changed until it is applied. */
  readonly batch: Batch;
  readonly source: string;
  readonly method: 'PUT' | 'POST';
  readonly identity: Uint8Array | undefined;
  readonly forwarded: ForwardedFrom | undefined;
  /** It came late, and was not applied; known once it was the turn of the push. */
  isLate = false;
  readonly #body: Uint8Array;

  /** `body` is what the batch was read from. */
  constructor(batch: Batch, body: Uint8Array, { source, method, identity, forwarded }: From) {
    this.batch = batch;
    this.source = source;
    this.method = method;
    this.identity = identity;
    this.forwarded = forwarded;
    this.#body = body;
  }

  get code(): number {
    return this.forwarded === undefined ? this.#code : RecordCode.FORWARDED;
  }

  /** A record says whose new series are by its code. */
  get #code(): number {
    return hasOwned(this.batch) ? RecordCode.OWNED_PUSH : RecordCode.PUSH;
  }

  encode(writer: ByteWriter, state: State): void {
    const { batch } = this;
    this.#encodeHead(writer, state);
    if (hasNewSeries(batch)) writeNewSeries(writer, batch);
    writeEntries(writer, batch);
    if (hasDetails(batch)) writeDetails(writer, batch);
    if (batch.turned.length > 0) writeTurned(writer, batch);
    if (batch.began.length > 0) writeBegan(writer, batch);
  }

  /** The same; the state and the batch must stay as they are meanwhile, but for totals. */
  *encodeInSteps(writer: ByteWriter, state: State): Generator<void, void> {
    const { batch } = this;
    const { rows } = state.pace;
    this.#encodeHead(writer, state);
    if (hasNewSeries(batch)) yield* writeNewSeriesInSteps(writer, batch, rows);
    yield* writeEntriesInSteps(writer, batch, rows);
    if (hasDetails(batch)) yield* writeDetailsInSteps(writer, batch, rows);
    if (batch.turned.length > 0) yield* writeTurnedInSteps(writer, batch, rows);
    if (batch.began.length > 0) yield* writeBeganInSteps(writer, batch, rows);
  }

  #encodeHead(writer: ByteWriter, { aggregation }: State): void {
    const { batch, source, method, identity, forwarded } = this;
    if (forwarded !== undefined) {
      writeForwarded(writer, forwarded);
      writer.byte(this.#code);
    }
    const isOfSource = aggregation.byJob && batch.sender.byJob;
    const saysResets = isOfSource && batch.sender.counterResets !== aggregation.counterResets;
    writer.byte(
      (method === 'PUT' ? BY_PUT : 0) |
        (identity === undefined ? 0 : WITH_KEY) |
        (hasNewSeries(batch) ? WITH_NEW_SERIES : 0) |
        (hasDetails(batch) ? WITH_DETAILS : 0) |
        (batch.turned.length > 0 ? WITH_TURNED : 0) |
        (batch.began.length > 0 ? WITH_BEGAN : 0) |
        (saysResets ? WITH_RESETS : 0),
    );
    writer.text(isOfSource ? source : '');
    if (saysResets) writeCounterResets(writer, batch.sender);
    if (identity !== undefined) writer.raw(identity);
    if (!hasOwned(batch)) return;
    writer.text(batch.owner!.token);
    writer.text(batch.owner!.job);
  }

  /** Reads what comes after the times of a record of such a code, into `batch`. */
  static *decode(
    reader: ByteReader,
    { pace, families, aggregation }: State,
    {
      batch,
      code,
      forwarded,
    }: { readonly batch: Batch; readonly code: number; readonly forwarded: ForwardedFrom | undefined },
  ): Generator<void, PushCommand> {
    pace.begin();
    resetBatch(batch);
    // Earlier ones do not tell which samples are start times.
    batch.judgesStartTimes = code !== RecordCode.EARLIER_PUSH;
    const flags = reader.byte();
    const source = reader.text();
    batch.sender = {
      byJob: aggregation.byJob && source !== '',
      counterResets: (flags & WITH_RESETS) === 0 ? aggregation.counterResets : readCounterResets(reader),
    };
    const identity = readIdentity(reader, flags);
    if (code === RecordCode.OWNED_PUSH) batch.owner = { token: reader.text(), job: reader.text() };
    if ((flags & WITH_NEW_SERIES) !== 0) yield* readNewSeries(reader, batch, { pace, families });
    yield* readEntries(reader, batch, pace);
    if ((flags & WITH_DETAILS) !== 0) yield* readDetails(reader, batch, pace);
    if ((flags & WITH_TURNED) !== 0) yield* readTurned(reader, batch, pace);
    if ((flags & WITH_BEGAN) !== 0) yield* readBegan(reader, batch, pace);
    return new PushCommand(batch, noBody, {
      source,
      method: (flags & BY_PUT) === 0 ? 'POST' : 'PUT',
      identity,
      forwarded,
    });
  }

  /** No generator of its own, which would be one more object for each push. */
  apply(target: Target, { nowMs, wallMs }: Times): Generator<void, void> {
    const { source, method, identity, forwarded } = this;
    target.lastPushMs = wallMs;
    if (identity !== undefined) target.keys.add(identity, nowMs);
    if (forwarded === undefined)
      return target.state.applyInSteps(this.batch, this.#body, { source, method, nowMs, wallMs });
    target.forwarded.add(forwarded.key);
    const sentMs = nowMs - forwarded.heldMs;
    if (source !== '') target.order?.pushed(source, sentMs, nowMs);
    return target.state.applyInSteps(this.batch, this.#body, { source, method, nowMs, wallMs, sentMs });
  }
}

function hasOwned({ owner, pendingSeries }: Batch): boolean {
  return owner !== undefined && pendingSeries.length > 0;
}

function hasNewSeries({ families, pendingSeries }: Batch): boolean {
  return families.length > 0 || pendingSeries.length > 0;
}

function hasDetails({ starts, exemplars }: Batch): boolean {
  return starts.length > 0 || exemplars.length > 0;
}

function readIdentity(reader: ByteReader, flags: number): Uint8Array | undefined {
  if ((flags & WITH_KEY) !== 0) return reader.raw(IDENTITY_BYTES);
  return (flags & WITH_UNHELD_KEY) === 0 ? undefined : reader.raw(UNHELD_IDENTITY_BYTES);
}
