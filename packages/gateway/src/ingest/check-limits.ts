/**
 * Bounds of what is kept. They concern only what a push would add, and are looked at while it is read, before there is a record
 * of it: what is known goes on to be counted, also in a store that holds more than it may.
 */
import { PushProblem, RequestError } from '../model/errors.ts';
import type { Batch, PushFamily } from '../store/batch.ts';
import { descriptionBytes, familyBytes } from '../store/families.ts';
import type { Limits } from '../store/aggregation-config.ts';
import type { State } from '../state/state.ts';
import { pendingBytes, goneBytes, seriesBytes } from '../state/usage.ts';

const MIB = 2 ** 20;
/** One push may bring half of what may be held, within these bounds: while it is read it is in memory twice. */
const PUSH_BYTES_MIN = 16 * MIB;
const PUSH_BYTES_MAX = 128 * MIB;
/** Families that are discarded may take this part of what all others may, beside them. */
const DISCARDED_PART = 1 / 16;

/** Throws a PushProblem when the batch would bring more than may be held. Buckets of one histogram are counted by HistogramSettler. */
export function checkLimits(state: State, batch: Batch): void {
  if (batch.pendingSeries.length > 0) checkPending(state, batch, 0);
  if (batch.families.length > 0) checkFamilies(state, batch);
}

/** To be called with each series that is new, at `offset`: a short body may stand for very much. */
export function checkPending(state: State, batch: Batch, offset: number): void {
  const { accumulators, limits } = state;
  const { seriesMax, seriesBytesTotalMax } = limits;
  if (accumulators.size + batch.pendingSeries.length > seriesMax) {
    throw new PushProblem(
      'series_limit',
      `the push adds at least ${batch.pendingSeries.length} series, and the gateway has ${accumulators.size} of at most ${seriesMax} (--limit.series)`,
      offset,
    );
  }
  const brought = pendingBytes(batch);
  const pushBytesMax = Math.min(Math.max(seriesBytesTotalMax / 2, PUSH_BYTES_MIN), PUSH_BYTES_MAX);
  if (brought > pushBytesMax) {
    throw new PushProblem(
      'series_limit',
      `the push adds more than ${pushBytesMax} bytes of new series, including labels from the path; split the push`,
      offset,
    );
  }
  const held = seriesBytes(accumulators);
  if (held + brought > seriesBytesTotalMax) {
    throw new PushProblem(
      'series_limit',
      `the push adds at least ${brought} bytes of series, and the gateway has ${held} of at most ${seriesBytesTotalMax} (--limit.series-bytes-total)`,
      offset,
    );
  }
  if (held + brought + goneBytes(accumulators) <= seriesBytesTotalMax) return;
  state.isShortOfSpace = true;
  throw new PushProblem(
    'overloaded',
    `deleted series still take ${goneBytes(accumulators)} bytes until open scrapes end, so there is no space for new ones (--limit.series-bytes-total); retry later`,
    offset,
  );
}

/** Throws a PushProblem for a HELP that is too long to be kept. */
export function checkHelp({ helpBytesMax }: Limits, family: PushFamily, help: string, offset: number): void {
  if (family.known?.help !== undefined || help.length * 3 <= helpBytesMax) return;
  const bytes = Buffer.byteLength(help);
  if (bytes <= helpBytesMax) return;
  throw new PushProblem(
    'metadata_limit',
    `the HELP of ${family.name} is ${bytes} bytes long, and the maximum is ${helpBytesMax} (--limit.help-bytes)`,
    offset,
  );
}

function checkFamilies(state: State, { families: pushed }: Batch): void {
  const { families, limits } = state;
  let added = 0;
  let bytes = 0;
  let discardedBytes = 0;
  for (const family of pushed) {
    const isNew = family.known === undefined && family.sampled;
    if (state.discards(family.type)) {
      if (!isNew && (family.known === undefined || !family.changed)) continue;
      discardedBytes += familyBytes(family);
      const most = limits.metadataBytesTotalMax * DISCARDED_PART;
      if (families.discardedBytes + discardedBytes > most) passOver(family);
      continue;
    }
    if (!isNew) continue;
    added += 1;
    bytes += familyBytes(family);
    checkFamily(state, family, { added, bytes });
  }
  // What is known goes on to be counted; its HELP may have to wait.
  for (const family of pushed) {
    const { known } = family;
    if (known === undefined) continue;
    const more =
      (known.help === undefined ? descriptionBytes(family.help) : 0) +
      (known.unit === undefined ? descriptionBytes(family.unit) : 0);
    if (more === 0) continue;
    if (families.keptBytes + bytes + more <= limits.metadataBytesTotalMax) bytes += more;
    else {
      family.help = undefined;
      family.unit = undefined;
    }
  }
}

function checkFamily(
  { families, limits }: State,
  { name, offset }: PushFamily,
  { added, bytes }: { readonly added: number; readonly bytes: number },
): void {
  const { familiesMax, metadataBytesTotalMax } = limits;
  if (families.keptCount + added > familiesMax) {
    throw new PushProblem(
      'families_limit',
      `${name} is a new family, and the gateway has ${families.keptCount} of at most ${familiesMax} (--limit.families)`,
      offset,
    );
  }
  if (families.keptBytes + bytes > metadataBytesTotalMax) {
    throw new PushProblem(
      'metadata_limit',
      `${name} is a new family, and names, HELP texts and units already take ${families.keptBytes} bytes of at most ${metadataBytesTotalMax} (--limit.metadata-bytes-total)`,
      offset,
    );
  }
}

/** Nothing is to be remembered of a family that is discarded: it is known when it is declared again, and takes no room until then. */
function passOver(family: PushFamily): void {
  family.replaces.length = 0;
  family.adopts = false;
  if (family.known === undefined) {
    family.sampled = false;
    return;
  }
  family.type = family.known.type;
  family.changed = false;
}

/** In by-job mode: whether it must be counted by how much a push would make its source grow. Nearly always there is room for all of it. */
export function nearsSourceLimit({ sources, limits, aggregation }: State, batch: Batch): boolean {
  return (
    aggregation.byJob &&
    sources.bytes + sources.mostGrowth(batch.length + batch.began.length) > limits.sourceBytesTotalMax
  );
}

/** Throws a RequestError when there is no room for what a source would have more; see Sources.growthInSteps. */
export function checkSourceGrowth({ sources, limits }: State, growth: number): void {
  const { sourceBytesTotalMax } = limits;
  const held = sources.bytes;
  if (growth <= 0 || held + growth <= sourceBytesTotalMax) return;
  throw new RequestError(
    'sources_limit',
    `the push adds ${growth} bytes of source data, and the gateway has ${held} of at most ${sourceBytesTotalMax} (--limit.source-bytes-total); set --job-forget-duration to forget silent sources`,
  );
}

/** What a state holds more of than it may, in words; it had another limit before, or was another machine's. */
export function overLimits(state: State): readonly string[] {
  const { accumulators, families, sources, limits } = state;
  const all: readonly (readonly [string, number, number])[] = [
    ['limit.series', accumulators.size, limits.seriesMax],
    ['limit.series-bytes-total', seriesBytes(accumulators), limits.seriesBytesTotalMax],
    ['limit.families', families.keptCount, limits.familiesMax],
    ['limit.metadata-bytes-total', families.keptBytes, limits.metadataBytesTotalMax],
    ['limit.sources', sources.size, limits.sourcesMax],
    ['limit.source-bytes-total', sources.bytes, limits.sourceBytesTotalMax],
    ['limit.exemplars', accumulators.exemplars.size, limits.exemplarsMax],
  ];
  return all.filter(([, has, may]) => has > may).map(([flag, has, may]) => `--${flag}: ${has} of ${may}`);
}
