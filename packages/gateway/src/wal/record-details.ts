/** Start times and exemplars of a push as bytes, and which gauges have become start times. */
import type { Label } from '../model/labels.ts';
import type { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';
import type { Batch, TurnedRow } from '../store/batch.ts';
import type { Pace } from '../primitives/pace.ts';

/** An exemplar is as much work as so many rows of others. */
const EXEMPLAR_ROWS = 4;

export function writeDetails(writer: ByteWriter, { starts, exemplars }: Batch): void {
  writer.whole(starts.length);
  for (const start of starts) writeStart(writer, start);
  writer.whole(exemplars.length);
  for (const one of exemplars) writeExemplar(writer, one);
}

export function* writeDetailsInSteps(
  writer: ByteWriter,
  { starts, exemplars }: Batch,
  rows: number,
): Generator<void, void> {
  const most = Math.ceil(rows / EXEMPLAR_ROWS);
  writer.whole(starts.length);
  for (const [index, start] of starts.entries()) {
    writeStart(writer, start);
    if (index % most === most - 1) yield;
  }
  writer.whole(exemplars.length);
  for (const [index, one] of exemplars.entries()) {
    writeExemplar(writer, one);
    if (index % most === most - 1) yield;
  }
}

function writeStart(writer: ByteWriter, { accumulator, startMs }: Batch['starts'][number]): void {
  writeAccumulator(writer, accumulator);
  writer.double(startMs);
}

function writeExemplar(writer: ByteWriter, { accumulator, exemplar }: Batch['exemplars'][number]): void {
  writeAccumulator(writer, accumulator);
  writer.double(exemplar.value);
  writer.double(exemplar.timestampMs ?? Number.NaN);
  writer.whole(exemplar.labels.length);
  for (const { name, value } of exemplar.labels) {
    writer.text(name);
    writer.text(value);
  }
}

/** Fills the lists of an empty batch. */
export function* readDetails(reader: ByteReader, batch: Batch, pace: Pace): Generator<void, void> {
  for (let left = reader.whole(); left > 0; left -= 1) {
    if (pace.isFull(1)) yield;
    batch.starts.push({ accumulator: readAccumulator(reader), startMs: reader.double() });
  }
  for (let left = reader.whole(); left > 0; left -= 1) {
    if (pace.isFull(EXEMPLAR_ROWS)) yield;
    const accumulator = readAccumulator(reader);
    const value = reader.double();
    const timestampMs = reader.double();
    const labels: Label[] = [];
    for (let more = reader.whole(); more > 0; more -= 1)
      labels.push({ name: reader.text(), value: reader.text() });
    const exemplar = { labels, value, timestampMs: Number.isNaN(timestampMs) ? undefined : timestampMs };
    batch.exemplars.push({ accumulator, exemplar });
  }
}

export function writeBegan(writer: ByteWriter, { began }: Batch): void {
  writer.whole(began.length);
  for (const start of began) writeStart(writer, start);
}

export function* writeBeganInSteps(
  writer: ByteWriter,
  { began }: Batch,
  rows: number,
): Generator<void, void> {
  writer.whole(began.length);
  for (const [index, start] of began.entries()) {
    writeStart(writer, start);
    if (index % rows === rows - 1) yield;
  }
}

export function* readBegan(reader: ByteReader, batch: Batch, pace: Pace): Generator<void, void> {
  for (let left = reader.whole(); left > 0; left -= 1) {
    batch.began.push({ accumulator: readAccumulator(reader), startMs: reader.double() });
    if (pace.isFull(1)) yield;
  }
}

export function writeTurned(writer: ByteWriter, { turned }: Batch): void {
  writer.whole(turned.length);
  for (const row of turned) writeRow(writer, row);
}

export function* writeTurnedInSteps(
  writer: ByteWriter,
  { turned }: Batch,
  rows: number,
): Generator<void, void> {
  writer.whole(turned.length);
  for (const [index, row] of turned.entries()) {
    writeRow(writer, row);
    if (index % rows === rows - 1) yield;
  }
}

function writeRow(writer: ByteWriter, { accumulator, isStartTime }: TurnedRow): void {
  writer.whole(accumulator * 2 + (isStartTime ? 1 : 0));
}

export function* readTurned(reader: ByteReader, batch: Batch, pace: Pace): Generator<void, void> {
  for (let left = reader.whole(); left > 0; left -= 1) {
    const code = reader.whole();
    batch.turned.push({ accumulator: Math.floor(code / 2), isStartTime: code % 2 === 1 });
    if (pace.isFull(1)) yield;
  }
}

/** Accumulators of the state are even, fresh ones odd. */
function writeAccumulator(writer: ByteWriter, accumulator: number): void {
  writer.whole(accumulator >= 0 ? accumulator * 2 : ~accumulator * 2 + 1);
}

function readAccumulator(reader: ByteReader): number {
  const code = reader.whole();
  const number = Math.floor(code / 2);
  return code % 2 === 0 ? number : ~number;
}
