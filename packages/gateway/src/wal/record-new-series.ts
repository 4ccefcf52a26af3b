/** What a push brings that the state does not have, as bytes: families, groups, and accumulators with their texts. */
import { metricTypes } from '../model/metric-type.ts';
import type { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';
import type { Batch, PendingComposite, PushFamily } from '../store/batch.ts';
import type { Families } from '../store/families.ts';
import { NO_COMPOSITE } from '../store/pending-series.ts';
import type { PendingSeries } from '../store/pending-series.ts';
import { rowsOfText } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';
import { hasBound } from '../store/policies.ts';
import type { AccumulatorKind } from '../store/policies.ts';

/** ALL_START_TIMES is read in records of earlier versions. */
const [KNOWN, SAMPLED, CHANGED, QUOTED, ALL_START_TIMES, WITH_HELP, WITH_UNIT, ADOPTS] = [
  1, 2, 4, 8, 16, 32, 64, 128,
] as const;
/** A new family or accumulator is as much work as so many rows of others. */
const NEW_SERIES_ROWS = 2;
/** How the group of an accumulator is written: none, one of the batch, one of the state. */
const COMPOSITE_KINDS = 3;

export function writeNewSeries(writer: ByteWriter, batch: Batch): void {
  const { families, pendingComposites, pendingSeries } = batch;
  writer.whole(families.length);
  for (const family of families) writeFamily(writer, family);
  writer.whole(pendingComposites.length);
  for (const composite of pendingComposites) writeComposite(writer, composite);
  writer.whole(pendingSeries.length);
  for (let index = 0; index < pendingSeries.length; index += 1)
    writeAccumulator(writer, pendingSeries, index);
}

export function* writeNewSeriesInSteps(
  writer: ByteWriter,
  batch: Batch,
  rows: number,
): Generator<void, void> {
  const most = Math.ceil(rows / NEW_SERIES_ROWS);
  const { families, pendingComposites, pendingSeries } = batch;
  let left = most;
  writer.whole(families.length);
  for (const family of families) {
    writeFamily(writer, family);
    left -= 1;
    if (left > 0) continue;
    left = most;
    yield;
  }
  writer.whole(pendingComposites.length);
  for (const composite of pendingComposites) {
    writeComposite(writer, composite);
    left -= 1;
    if (left > 0) continue;
    left = most;
    yield;
  }
  writer.whole(pendingSeries.length);
  for (let index = 0; index < pendingSeries.length; index += 1) {
    writeAccumulator(writer, pendingSeries, index);
    left -= 1 + rowsOfText(pendingSeries.texts.lengthOf(index)) / NEW_SERIES_ROWS;
    if (left > 0) continue;
    left = most;
    yield;
  }
}

function writeComposite(writer: ByteWriter, { family, count, infinity }: PendingComposite): void {
  writer.whole(family);
  writer.whole(count);
  writer.whole(infinity + 1);
}

function writeAccumulator(writer: ByteWriter, pendingSeries: PendingSeries, index: number): void {
  const { texts } = pendingSeries;
  const kind = pendingSeries.kind[index]!;
  const composite = pendingSeries.composite[index]!;
  writer.byte(kind);
  writer.whole(pendingSeries.family[index]!);
  writer.whole(
    composite === NO_COMPOSITE
      ? 0
      : composite < 0
        ? ~composite * COMPOSITE_KINDS + 1
        : composite * COMPOSITE_KINDS + 2,
  );
  if (hasBound(kind)) writer.double(pendingSeries.bound[index]!);
  // Each text repeats the beginning of the one before; only the rest is written.
  const shared = index === 0 ? 0 : sharedLength(texts, index - 1, index);
  const start = texts.offsetOf(index);
  const length = texts.lengthOf(index);
  writer.whole(shared);
  writer.whole(length - shared);
  writer.raw(texts.chunkOf(index).subarray(start + shared, start + length));
}

/** Fills an empty batch. `families` are those of the state that the batch is to be applied to. */
export function* readNewSeries(
  reader: ByteReader,
  batch: Batch,
  { families, pace }: { readonly families: Families; readonly pace: Pace },
): Generator<void, void> {
  for (let left = reader.whole(); left > 0; left -= 1) {
    if (pace.isFull(NEW_SERIES_ROWS)) yield;
    readFamily(reader, batch.families, families);
  }
  for (let left = reader.whole(); left > 0; left -= 1) {
    if (pace.isFull(1)) yield;
    const family = reader.whole();
    const count = reader.whole();
    batch.pendingComposites.push({ family, count, infinity: reader.whole() - 1 });
  }
  const { pendingSeries } = batch;
  let text = Buffer.alloc(1024);
  let textLength = 0;
  for (let left = reader.whole(); left > 0; left -= 1) {
    if (pace.isFull(NEW_SERIES_ROWS + rowsOfText(textLength))) yield;
    const kind = reader.byte() as AccumulatorKind;
    const family = reader.whole();
    const code = reader.whole();
    const number = Math.floor(code / COMPOSITE_KINDS);
    const composite = code === 0 ? NO_COMPOSITE : code % COMPOSITE_KINDS === 1 ? ~number : number;
    const bound = hasBound(kind) ? reader.double() : Number.NaN;
    const shared = reader.whole();
    const rest = reader.raw(reader.whole());
    textLength = shared + rest.length;
    if (textLength > text.length) text = Buffer.concat([text], textLength * 2);
    text.set(rest, shared);
    const view = new DataView(text.buffer, text.byteOffset, textLength);
    pendingSeries.add(view, 0, textLength, pendingSeries.texts.hash(view, 0, textLength), {
      kind,
      family,
      composite,
      bound,
    });
  }
}

function writeFamily(writer: ByteWriter, family: PushFamily): void {
  const { name, type, known, sampled, changed, quotedNames, help, unit, replaces, adopts } = family;
  writer.byte(
    (known === undefined ? 0 : KNOWN) |
      (sampled ? SAMPLED : 0) |
      (changed ? CHANGED : 0) |
      (quotedNames ? QUOTED : 0) |
      (help === undefined ? 0 : WITH_HELP) |
      (unit === undefined ? 0 : WITH_UNIT) |
      (adopts ? ADOPTS : 0),
  );
  writer.text(name);
  writer.byte(metricTypes.indexOf(type));
  if (help !== undefined) writer.text(help);
  if (unit !== undefined) writer.text(unit);
  writer.whole(replaces.length);
  for (const replaced of replaces) writer.text(replaced.name);
}

function readFamily(reader: ByteReader, into: PushFamily[], families: Families): void {
  const flags = reader.byte();
  const name = reader.text();
  const type = metricTypes[reader.byte()];
  if (type === undefined) throw new Error('the record names an unknown type');
  const help = (flags & WITH_HELP) === 0 ? undefined : reader.text();
  const unit = (flags & WITH_UNIT) === 0 ? undefined : reader.text();
  const find = (wanted: string) => {
    const found = families.find(wanted);
    if (found === undefined)
      throw new Error(`the record speaks of ${wanted}, a family that the state does not have`);
    return found;
  };
  const replaces = Array.from({ length: reader.whole() }, () => find(reader.text()));
  into.push({
    index: into.length,
    name,
    known: (flags & KNOWN) === 0 ? undefined : find(name),
    type,
    offset: 0,
    help,
    unit,
    typed: false,
    helped: false,
    sampled: (flags & SAMPLED) !== 0,
    quotedNames: (flags & QUOTED) !== 0,
    allStartTimes: (flags & ALL_START_TIMES) !== 0,
    changed: (flags & CHANGED) !== 0,
    replaces,
    adopts: (flags & ADOPTS) !== 0,
  });
}

/** How many bytes two texts begin with alike. */
function sharedLength(texts: Batch['pendingSeries']['texts'], a: number, b: number): number {
  const aBytes = texts.chunkOf(a);
  const bBytes = texts.chunkOf(b);
  const aStart = texts.offsetOf(a);
  const bStart = texts.offsetOf(b);
  const most = Math.min(texts.lengthOf(a), texts.lengthOf(b));
  let length = 0;
  while (length < most && aBytes[aStart + length] === bBytes[bStart + length]) length += 1;
  return length;
}
