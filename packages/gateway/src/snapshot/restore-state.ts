/**
 * Brings an empty state to where a snapshot was taken: same numbers of accumulators, composite series and families, same numbers to come. What
 * follows from the rest is found anew: hashes, composite series, the rows of families. A snapshot that contradicts itself is refused.
 */
import { setImmediate } from 'node:timers/promises';

import { AccumulatorRestorer } from './restore-accumulators.ts';
import { restoreFamilies } from './snapshot-families.ts';
import {
  broken,
  headFields,
  laterHeadFields,
  PartReader,
  Tag,
  tagsInOrder,
  VERSION,
} from './snapshot-parts.ts';
import type { Head } from './snapshot-parts.ts';
import { SourceRestorer } from './restore-sources.ts';
import type { State } from '../state/state.ts';

const TURN_MS = 3;

/**
 * Fills a state that nothing has happened to from the parts of a snapshot, in their order. When it throws, the state is half
 * done and must be thrown away. Yields to the event loop every few milliseconds; nobody may use the state meanwhile.
 */
export async function restoreState(parts: AsyncIterable<Uint8Array>, state: State): Promise<void> {
  if (state.epoch !== 0 || state.families.size > 0 || state.sources.size > 0)
    throw new Error('BUG: restoring into a state that is not empty');
  const turn = new Turn();
  let restorer: Restorer | undefined;
  for await (const bytes of parts) {
    const part = new PartReader(bytes);
    if (restorer === undefined) restorer = new Restorer(readHead(part), state);
    else for (const _ of restorer.take(part)) await turn.end();
    await turn.end();
  }
  if (restorer === undefined) throw broken('it is empty');
  for (const _ of restorer.finish()) await turn.end();
}

class Turn {
  #since = performance.now();

  /** Lets others have the event loop when it is their turn. */
  async end(): Promise<void> {
    if (performance.now() - this.#since < TURN_MS) return;
    await setImmediate();
    this.#since = performance.now();
  }
}

function readHead(part: PartReader): Head {
  if (part.tag !== Tag.HEAD) throw broken('it does not begin like one');
  if (part.from !== VERSION)
    throw broken(`it has version ${part.from}, and this gateway knows version ${VERSION} only`);
  const values = part.f64();
  const entries = headFields.map((field, i) => {
    const isLeftOut = i >= values.length && laterHeadFields.includes(field);
    return [field, isLeftOut ? 0 : values[i]] as const;
  });
  for (const [field, value] of entries) {
    if (!Number.isSafeInteger(value) || value! < 0) throw broken(`${field} is ${value}`);
  }
  return Object.fromEntries(entries) as Head;
}

class Restorer {
  readonly #head: Head;
  readonly #state: State;
  readonly #accumulators: AccumulatorRestorer;
  readonly #sources: SourceRestorer;
  readonly #freeIds = new Set<number>();
  /** In `tagsInOrder`. */
  #at = 0;
  /** Rows had of the tag. */
  #rows = 0;
  #ended = false;

  constructor(head: Head, state: State) {
    this.#head = head;
    this.#state = state;
    if (
      head.accumulators + head.pendingFree + head.freeAccumulators !== head.accumulatorNumbers ||
      head.accumulatorNumbers >= 2 ** 31
    )
      throw broken(`${head.accumulators} cells of ${head.accumulatorNumbers} numbers`);
    if (head.families + head.freeFamilies !== head.familyIds || head.familyIds >= 2 ** 31)
      throw broken(`${head.families} families of ${head.familyIds} ids`);
    // Those that were dropped have no accumulators any more.
    if (head.composites >= 2 ** 31) throw broken(`${head.composites} groups`);
    state.families.restoreIds(head.familyIds);
    this.#accumulators = new AccumulatorRestorer(state, head);
    const count = head.sourcesLive + head.sourcesPruned;
    this.#sources = new SourceRestorer(state.sources, this.#accumulators, { count, pace: state.pace });
  }

  *take(part: PartReader): Generator<void, void> {
    this.#follow(part);
    switch (part.tag) {
      case Tag.FAMILIES:
        return yield* restoreFamilies(part, this.#state);
      case Tag.FREE_FAMILIES:
        return this.#freeFamilies(part.u32());
      case Tag.SOURCES:
        return yield* this.#sources.takeSources(part);
      case Tag.CONTRIBUTIONS:
        return yield* this.#sources.takeContributions(part);
      case Tag.ACCUMULATORS:
        return yield* this.#accumulators.take(part);
      case Tag.SPILLED:
        return yield* this.#accumulators.takeSpilled(part);
      case Tag.PENDING_FREE:
        return yield* this.#accumulators.takePendingFree(part.u32());
      case Tag.FREE_ACCUMULATORS:
        return yield* this.#accumulators.takeFree(part.u32());
      case Tag.FREE_COMPOSITES:
        return yield* this.#accumulators.takeFreeComposites(part.u32());
      case Tag.END:
        return yield* this.#end(part.f64());
      default:
        throw broken(`a part of kind ${part.tag}`);
    }
  }

  *finish(): Generator<void, void> {
    if (!this.#ended) throw broken('it is cut off');
    yield* this.#accumulators.finish();
    this.#state.epoch = this.#head.epoch;
  }

  /** Parts come in one order, and each table whole. */
  #follow(part: PartReader): void {
    const at = tagsInOrder.indexOf(part.tag);
    for (; this.#at < at && !this.#ended; this.#at += 1) {
      const tag = tagsInOrder[this.#at]!;
      const expected = this.#rowsOf(tag);
      if (expected !== undefined && expected !== this.#rows)
        throw broken(`${this.#rows} of ${expected} rows of kind ${tag}`);
      this.#rows = 0;
    }
    const expected = this.#rowsOf(part.tag) ?? Number.POSITIVE_INFINITY;
    if (at !== this.#at || part.from !== this.#rows || part.from + part.rows > expected)
      throw broken(
        `rows from ${part.from} of kind ${part.tag} come after ${this.#rows} of kind ${tagsInOrder[this.#at]}`,
      );
    this.#rows += part.rows;
  }

  /** How many rows there are of a kind, where the head says it. */
  #rowsOf(tag: number): number | undefined {
    const head = this.#head;
    switch (tag) {
      case Tag.FAMILIES:
        return head.families;
      case Tag.FREE_FAMILIES:
        return head.freeFamilies;
      case Tag.SOURCES:
        return head.sourcesLive + head.sourcesPruned;
      case Tag.ACCUMULATORS:
        return head.accumulatorNumbers;
      case Tag.SPILLED:
        return head.spilled;
      case Tag.PENDING_FREE:
        return head.pendingFree;
      case Tag.FREE_ACCUMULATORS:
        return head.freeAccumulators;
      case Tag.FREE_COMPOSITES:
        return head.freeComposites;
      case Tag.END:
        return 1;
      default:
        return undefined;
    }
  }

  #freeFamilies(ids: Uint32Array): void {
    for (const id of ids) {
      if (this.#freeIds.has(id) || !this.#state.families.restoreFreeId(id))
        throw broken(`family ${id} is free and is not`);
      this.#freeIds.add(id);
    }
  }

  *#end(totals: Float64Array): Generator<void, void> {
    const { liveCount, prunedCount } = this.#state.sources;
    if (liveCount !== this.#head.sourcesLive || prunedCount !== this.#head.sourcesPruned)
      throw broken(`${liveCount} live and ${prunedCount} pruned sources`);
    yield* this.#sources.end(totals[0]!);
    this.#ended = true;
  }
}
