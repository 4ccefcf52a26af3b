/**
 * What happens to the state, as bytes: one record for each command, from which it can be applied again.
 *
 *   record   code, epoch, nowMs, wallMs, then what the command encodes (commands.ts, push-command.ts)
 *
 * Accumulators go by number, which is what makes records small: a line of a hundred bytes becomes ten at the most. Numbers are given out in
 * the order of records, so they mean the same when the records are read again. The epoch tells whether that is so: it
 * counts all that can change the meaning of a number, and a record for another epoch than that of the state is not applied.
 */
import { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';
import { atOnce } from '../primitives/turns.ts';
import type { State } from '../state/state.ts';
import type { Batch } from '../store/batch.ts';
import { emptyBatch } from '../store/batch.ts';
import { RecordCode } from './commands.ts';
import type { Command, Times } from './commands.ts';
import { decodeCommand, readForwarded } from './forwarded-command.ts';
import { PushCommand } from './push-command.ts';

/** A record read back. The command is valid until the next record is read. */
interface Recorded {
  readonly command: Command<unknown>;
  readonly times: Times;
}

/** Writes records for a state as it is. What a method returns is valid until the next call. */
export class RecordWriter {
  readonly #state: State;
  readonly #writer = new ByteWriter();

  constructor(state: State) {
    this.#state = state;
  }

  /** Of a command that is not yet applied. */
  write(command: Command<unknown>, times: Times): Uint8Array {
    this.#begin(command.code, times);
    command.encode(this.#writer, this.#state);
    return this.#writer.bytes();
  }

  /** The same in steps; nothing else may be written meanwhile. See PushCommand.encodeInSteps. */
  *writeInSteps(push: PushCommand, times: Times): Generator<void, Uint8Array> {
    this.#begin(push.code, times);
    yield* push.encodeInSteps(this.#writer, this.#state);
    return this.#writer.bytes();
  }

  #begin(code: number, { nowMs, wallMs }: Times): void {
    const writer = this.#writer;
    writer.reset();
    writer.byte(code);
    writer.whole(this.#state.epoch);
    writer.double(nowMs);
    writer.double(wallMs);
  }
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
  read(record: Uint8Array): Recorded {
    return atOnce(this.readInSteps(record));
  }

  /** The same; the bytes must stay as they are until the last step. */
  *readInSteps(record: Uint8Array): Generator<void, Recorded> {
    const reader = this.#reader;
    reader.reset(record);
    const code = reader.byte();
    const epoch = reader.whole();
    if (epoch !== this.#state.epoch) {
      throw new Error(
        `the record was made for epoch ${epoch} of the state, which is at ${this.#state.epoch}`,
      );
    }
    const times = { nowMs: reader.double(), wallMs: reader.double() };
    const forwarded = code === RecordCode.FORWARDED ? readForwarded(reader) : undefined;
    const of = forwarded === undefined ? code : reader.byte();
    const command =
      of === RecordCode.PUSH || of === RecordCode.OWNED_PUSH || of === RecordCode.EARLIER_PUSH
        ? yield* PushCommand.decode(reader, this.#state, { batch: this.#batch, code: of, forwarded })
        : decodeCommand(reader, of, forwarded);
    if (!reader.isAtEnd) throw new Error('the record is longer than what it says');
    return { command, times };
  }
}
