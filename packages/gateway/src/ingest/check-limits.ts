/**
 * Bounds of what is kept. They concern only what a push would add, and are looked at while it is read, before there is a record
 * of it: what is known goes on to be counted, also in a store that holds more than it may.
 */
import { PushProblem, RequestError } from '../model/errors.ts';
import type { Batch, PushFamily } from '../store/batch.ts';
import { descriptionBytes, familyBytes } from '../store/families.ts';
import type { Family } from '../store/families.ts';
import { freedAtMost, nothingFreed } from './freed.ts';
import type { Freed } from './freed.ts';
import type { Limits } from '../store/limits.ts';
import type { State } from '../state/state.ts';
import { pendingBytes, goneBytes, seriesBytes } from '../state/usage.ts';

const MIB = 2 ** 20;
/** One push may bring half of what may be held, within these bounds: while it is read it is in memory twice. */
const PUSH_BYTES_MIN = 16 * MIB;
const PUSH_BYTES_MAX = 128 * MIB;
/** Families that are discarded may take this part of what all others may, beside them. */
const DISCARDED_PART = 1 / 16;

/**
 * Throws a PushProblem when the batch would bring more than may be held, once what goes with it is gone. Buckets of one histogram are
 * counted by HistogramSettler.
 */
export function checkLimits(state: State, batch: Batch, freed: Freed): void {
  if (batch.pendingSeries.length > 0) {
    const problem = seriesProblem(state, batch, freed, 0);
    if (problem !== undefined) throw refusal(state, problem);
    // For as long as it takes to let go of what goes, it is there beside what comes.
    if (freed.bytes > 0) state.isShortOfSpace = true;
  }
  if (batch.families.length > 0) checkFamilies(state, batch, freed);
}

/** The same before it is known what goes. Where that may be enough, the batch says so, and is to be checked again. */
export function checkLimitsAtFirst(state: State, batch: Batch): void {
  try {
    checkLimits(state, batch, nothingFreed);
  } catch (error) {
    if (!(error instanceof PushProblem) || error.code === 'overloaded') throw error;
    if (freedAtMost(state, batch) === 0) throw error;
    batch.exceeds = true;
  }
}

/** To be called with each series that is new, at `offset`: a short body may stand for very much. */
export function checkPending(state: State, batch: Batch, offset: number): void {
  const { seriesBytesTotalMax } = state.limits;
  const pushBytesMax = Math.min(Math.max(seriesBytesTotalMax / 2, PUSH_BYTES_MIN), PUSH_BYTES_MAX);
  if (pendingBytes(batch) > pushBytesMax) {
    throw new PushProblem(
      'series_limit',
      `the push adds more than ${pushBytesMax} bytes of new series, including labels from the path; split the push`,
      offset,
    );
  }
  const problem = seriesProblem(state, batch, nothingFreed, offset);
  if (problem === undefined) return;
  // As much as may go is let in while it is read.
  const most = freedAtMost(state, batch);
  if (problem.code === 'overloaded' || most === 0 || seriesOver(state, batch) > most)
    throw refusal(state, problem);
}

function refusal(state: State, problem: PushProblem): PushProblem {
  if (problem.code === 'overloaded') state.isShortOfSpace = true;
  return problem;
}

function seriesOver({ accumulators, limits }: State, { pendingSeries }: Batch): number {
  return accumulators.size + pendingSeries.length - limits.seriesMax;
}

function seriesProblem(state: State, batch: Batch, freed: Freed, offset: number): PushProblem | undefined {
  const { accumulators, limits } = state;
  const { seriesMax, seriesBytesTotalMax } = limits;
  if (seriesOver(state, batch) > freed.series) {
    return new PushProblem(
      'series_limit',
      `the push adds at least ${batch.pendingSeries.length} series, and the gateway has ${accumulators.size} of at most ${seriesMax} (--limit.series)`,
      offset,
    );
  }
  const brought = pendingBytes(batch);
  const held = seriesBytes(accumulators);
  if (held + brought - freed.bytes > seriesBytesTotalMax) {
    return new PushProblem(
      'series_limit',
      `the push adds at least ${brought} bytes of series, and the gateway has ${held} of at most ${seriesBytesTotalMax} (--limit.series-bytes-total)`,
      offset,
    );
  }
  const gone = goneBytes(accumulators);
  if (gone === 0 || held + brought + gone <= seriesBytesTotalMax) return undefined;
  return new PushProblem(
    'overloaded',
    `deleted series still take ${gone} bytes until open scrapes end, so there is no space for new ones (--limit.series-bytes-total); retry later`,
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

function checkFamilies(state: State, batch: Batch, freed: Freed): void {
  const { families, limits } = state;
  passOverDiscarded(state, batch);
  const gone = goneFamilies(state, batch, freed);
  let count = families.keptCount - gone.size;
  let bytes = families.keptBytes;
  for (const family of gone) bytes -= familyBytes(family);
  for (const family of batch.families) {
    if (family.known !== undefined || !family.sampled || state.discards(family)) continue;
    count += 1;
    bytes += familyBytes(family);
    checkFamily(state, family, { count, bytes });
  }
  // What is known goes on to be counted; its HELP may have to wait.
  for (const family of batch.families) {
    const { known } = family;
    if (known === undefined || state.discards(family)) continue;
    const more =
      (known.help === undefined ? descriptionBytes(family.help) : 0) +
      (known.unit === undefined ? descriptionBytes(family.unit) : 0);
    if (more === 0) continue;
    if (bytes + more <= limits.metadataBytesTotalMax) bytes += more;
    else {
      family.help = undefined;
      family.unit = undefined;
    }
  }
}

/** Families that count, and do not any more once the push is applied. */
function goneFamilies(state: State, { families }: Batch, freed: Freed): ReadonlySet<Family> {
  const gone = new Set(freed.families);
  for (const family of families) {
    const { known, sampled, replaces } = family;
    if (known === undefined && !sampled) continue;
    for (const replaced of replaces) if (!replaced.discarded) gone.add(replaced);
    if (known !== undefined && !known.discarded && state.discards(family)) gone.add(known);
  }
  return gone;
}

function passOverDiscarded(state: State, { families }: Batch): void {
  let bytes = state.families.discardedBytes;
  for (const family of families) {
    if (!state.discards(family)) continue;
    const isNew = family.known === undefined && family.sampled;
    if (!isNew && (family.known === undefined || !family.changed)) continue;
    bytes += familyBytes(family);
    if (bytes > state.limits.metadataBytesTotalMax * DISCARDED_PART) passOver(family);
  }
}

function checkFamily(
  { families, limits }: State,
  { name, offset }: PushFamily,
  { count, bytes }: { readonly count: number; readonly bytes: number },
): void {
  const { familiesMax, metadataBytesTotalMax } = limits;
  if (count > familiesMax) {
    throw new PushProblem(
      'families_limit',
      `${name} is a new family, and the gateway has ${families.keptCount} of at most ${familiesMax} (--limit.families)`,
      offset,
    );
  }
  if (bytes > metadataBytesTotalMax) {
    throw new PushProblem(
      'metadata_limit',
      `${name} is a new family, and names, HELP texts and units already take ${families.keptBytes} bytes of at most ${metadataBytesTotalMax} (--limit.metadata-bytes-total)`,
      offset,
    );
  }
}

/**
 * Nothing is to be remembered of a family that is discarded, or of which all series were left out: it is known when it is declared again, and takes
 * no room until then.
 */
export function passOver(family: PushFamily): void {
  family.replaces.length = 0;
  family.adopts = false;
  if (family.known === undefined) {
    family.sampled = false;
    return;
  }
  family.type = family.known.type;
  family.changed = false;
}

/** Whether it must be counted by how much a push would make grow what is kept by source. Nearly always there is room for all of it. */
export function nearsSourceLimit({ sources, limits, aggregation }: State, batch: Batch): boolean {
  return aggregation.byJob && sources.bytes + sources.mostGrowth(batch) > limits.sourceBytesTotalMax;
}

/** Throws a RequestError when there is no room for what a source would have more; see Sources.foresee. */
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
