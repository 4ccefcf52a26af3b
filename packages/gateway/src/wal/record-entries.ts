/**
 * The numbers of a push as bytes: for each a token, then its value.
 *
 *   token   twice the difference to the accumulator before, folded to be positive, plus 1 when the value is a double
 *   value   a whole number in groups of seven bits, or the eight bytes of a double
 *
 * Senders name their series in the same order each time, and accumulators are numbered in the order they came: the difference is mostly 1.
 */
import type { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';
import { appendEntry } from '../store/batch.ts';
import type { Batch } from '../store/batch.ts';
import type { Pace } from '../primitives/pace.ts';

export function writeEntries(writer: ByteWriter, batch: Batch): void {
  writer.whole(batch.length);
  writeSome(writer, batch, 0, batch.length);
}

export function* writeEntriesInSteps(writer: ByteWriter, batch: Batch, rows: number): Generator<void, void> {
  const { length } = batch;
  writer.whole(length);
  for (let from = 0; from < length; from += rows) {
    writeSome(writer, batch, from, Math.min(from + rows, length));
    yield;
  }
}

function writeSome(writer: ByteWriter, { accumulators, values }: Batch, from: number, to: number): void {
  let before = from === 0 ? 0 : accumulators[from - 1]!;
  for (let i = from; i < to; i += 1) {
    const accumulator = accumulators[i]!;
    const value = values[i]!;
    const step = accumulator - before;
    const folded = step >= 0 ? step * 2 : -step * 2 - 1;
    before = accumulator;
    if (value > 0 ? value <= Number.MAX_SAFE_INTEGER && Math.floor(value) === value : Object.is(value, 0)) {
      writer.whole(folded * 2);
      writer.whole(value);
    } else {
      writer.whole(folded * 2 + 1);
      writer.double(value);
    }
  }
}

/** Appends the entries to an empty batch. */
export function* readEntries(reader: ByteReader, batch: Batch, pace: Pace): Generator<void, void> {
  const length = reader.whole();
  let accumulator = 0;
  for (let i = 0; i < length; i += 1) {
    const token = reader.whole();
    const folded = Math.floor(token / 2);
    accumulator += folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
    appendEntry(batch, accumulator, token % 2 === 0 ? reader.whole() : reader.double(), 0);
    if (pace.isFull(1)) yield;
  }
}
