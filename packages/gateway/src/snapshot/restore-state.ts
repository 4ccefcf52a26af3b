/**
 * Brings an empty state to where a snapshot was taken: same numbers of accumulators, composite series and families, same numbers to come. What
 * follows from the rest is found anew: hashes, composite series, the rows of families. A snapshot that contradicts itself is refused.
 */
import { AccumulatorReader } from './accumulator-table.ts';
import { readCommon, readCommonNumbers } from './common-table.ts';
import { readCreated } from './created-table.ts';
import { ContributionReader } from './contribution-table.ts';
import { readFamilies } from './family-table.ts';
import { readLastNamed } from './last-named-table.ts';
import { readLeftOut } from './left-out-table.ts';
import { readOwners } from './owner-table.ts';
import { broken, headFields, laterHeadFields, PartReader, Tag, VERSION } from './parts.ts';
import type { Head } from './parts.ts';
import { readSources } from './source-table.ts';
import { readSpilled } from './spilled-table.ts';
import { readWindows } from './window-table.ts';
import { inSteps, Turn } from '../primitives/turns.ts';
import type { State } from '../state/state.ts';
import { verifyHead, verifyState } from './verify.ts';

/**
 * Fills a state that nothing has happened to from the parts of a snapshot, in their order. When it throws, the state is half
 * done and must be thrown away. Yields to the event loop every few milliseconds; nobody may use the state meanwhile.
 */
export async function restoreState(parts: AsyncIterable<Uint8Array>, state: State): Promise<void> {
  const { accumulators, families, sources } = state;
  if (accumulators.texts.high > 0 || families.byId.length > 0 || sources.size > 0)
    throw new Error('BUG: restoring into a state that is not empty');
  const turn = new Turn();
  let restorer: Restorer | undefined;
  for await (const bytes of parts) {
    const part = new PartReader(bytes);
    if (restorer === undefined) restorer = new Restorer(readHead(part), state);
    else await inSteps(restorer.take(part), turn);
    await turn.over();
  }
  if (restorer === undefined) throw broken('it is empty');
  await inSteps(restorer.finish(), turn);
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

/** A table of the snapshot as it comes. */
interface Table {
  readonly tag: Tag;
  /** How many rows there are, where the head says it. */
  readonly rows: number | undefined;
  read(part: PartReader): Generator<void, void>;
}

class Restorer {
  readonly #head: Head;
  readonly #state: State;
  readonly #accumulators: AccumulatorReader;
  readonly #contributions: ContributionReader;
  /** In the order in which they come. */
  readonly #tables: readonly Table[];
  #at = 0;
  /** Rows had of the table. */
  #rows = 0;
  #ended = false;

  constructor(head: Head, state: State) {
    this.#head = head;
    this.#state = state;
    const sources = head.sourcesLive + head.sourcesPruned;
    for (const [what, count] of [
      ['accumulators', head.accumulatorNumbers],
      ['families', head.familyIds],
      // Those that were dropped have no accumulators any more.
      ['composite series', head.composites],
      ['sources', sources * 4],
    ] as const)
      if (count >= 2 ** 31) throw broken(`${count} ${what}`);
    state.families.restoreIds(head.familyIds);
    const numbers = new Int32Array(sources);
    const accumulators = new AccumulatorReader(state, head);
    const contributions = new ContributionReader(state, numbers, head.accumulatorNumbers);
    const { pendingFree, texts, freeComposites } = state.accumulators;
    this.#accumulators = accumulators;
    this.#contributions = contributions;
    this.#tables = [
      { tag: Tag.FAMILIES, rows: head.families, read: (part) => readFamilies(part, state) },
      {
        tag: Tag.FREE_FAMILIES,
        rows: head.freeFamilies,
        read: (part) => readNumbers(part, head.familyIds, (id) => state.families.restoreFreeId(id), state),
      },
      { tag: Tag.SOURCES, rows: sources, read: (part) => readSources(part, state, numbers) },
      { tag: Tag.CONTRIBUTIONS, rows: undefined, read: (part) => contributions.read(part) },
      { tag: Tag.ACCUMULATORS, rows: head.accumulatorNumbers, read: (part) => accumulators.read(part) },
      { tag: Tag.SPILLED, rows: head.spilled, read: (part) => readSpilled(part, state) },
      {
        tag: Tag.PENDING_FREE,
        rows: head.pendingFree,
        read: (part) => readNumbers(part, head.accumulatorNumbers, (it) => pendingFree.push(it), state),
      },
      {
        tag: Tag.FREE_ACCUMULATORS,
        rows: head.freeAccumulators,
        read: (part) => readNumbers(part, head.accumulatorNumbers, (it) => texts.release(it), state),
      },
      {
        tag: Tag.FREE_COMPOSITES,
        rows: head.freeComposites,
        read: (part) => readNumbers(part, head.composites, (it) => freeComposites.push(it), state),
      },
      {
        tag: Tag.LAST_NAMED,
        rows: undefined,
        read: (part) => readLastNamed(part, state, state.accumulators.lastNamed),
      },
      { tag: Tag.LEFT_OUT, rows: undefined, read: (part) => readLeftOut(part, state, numbers) },
      {
        tag: Tag.COMMON,
        rows: undefined,
        read: (part) => readCommon(part, state, contributions.contributors),
      },
      { tag: Tag.COMMON_NUMBERS, rows: undefined, read: (part) => readCommonNumbers(part, state) },
      {
        tag: Tag.COMMON_NAMED,
        rows: undefined,
        read: (part) => readLastNamed(part, state, state.accumulators.common.named),
      },
      { tag: Tag.WINDOWS, rows: undefined, read: (part) => readWindows(part, state) },
      { tag: Tag.OWNERS, rows: head.owned, read: (part) => readOwners(part, state) },
      { tag: Tag.CREATED, rows: undefined, read: (part) => readCreated(part, state) },
      { tag: Tag.END, rows: 1, read: (part) => this.#end(part.f64()) },
    ];
  }

  take(part: PartReader): Generator<void, void> {
    const table = this.#follow(part);
    this.#rows += part.rows;
    return table.read(part);
  }

  /** Call when all parts have come. */
  *finish(): Generator<void, void> {
    if (!this.#ended) throw broken('it is cut off');
    const { freed, belowZero } = yield* this.#accumulators.finish(this.#contributions.contributors);
    if (freed.length > 0) yield* this.#state.sources.forgetAccumulators([freed]);
    if (belowZero.length > 0) yield* this.#state.sources.becomeCounters(belowZero);
    this.#state.sources.order = this.#head.order;
    yield* this.#state.sources.restoreDerived();
    this.#state.epoch = this.#head.epoch;
    verifyHead(this.#state, this.#head);
    yield* verifyState(this.#state);
  }

  /** Parts come in one order, and each table whole. Returns the table that a part is of. */
  #follow(part: PartReader): Table {
    const at = this.#tables.findIndex(({ tag }) => tag === part.tag);
    if (at < 0) throw broken(`a part of kind ${part.tag}`);
    for (; this.#at < at; this.#at += 1) {
      const { tag, rows = this.#rows } = this.#tables[this.#at]!;
      if (rows !== this.#rows) throw broken(`${this.#rows} of ${rows} rows of kind ${tag}`);
      this.#rows = 0;
    }
    const table = this.#tables[this.#at]!;
    if (
      at !== this.#at ||
      part.from !== this.#rows ||
      part.from + part.rows > (table.rows ?? Number.POSITIVE_INFINITY)
    )
      throw broken(
        `rows from ${part.from} of kind ${part.tag} come after ${this.#rows} of kind ${table.tag}`,
      );
    return table;
  }

  *#end(totals: Float64Array): Generator<void, void> {
    yield* this.#contributions.finish(totals[0]!);
    this.#ended = true;
  }
}

/** Rows of a table that are whole numbers below `end`. */
function* readNumbers(
  part: PartReader,
  end: number,
  take: (number: number) => void,
  { pace }: State,
): Generator<void, void> {
  for (const number of part.u32()) {
    if (number >= end) throw broken(`${number} is free of ${end}`);
    take(number);
    if (pace.isFull(1)) yield;
  }
}
