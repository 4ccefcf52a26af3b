/**
 * Whose series are, in snapshots: accumulators, and for each the place of its owner in a list of those that the part speaks of. Where series
 * are nobody's there is no such part.
 */
import type { State } from '../state/state.ts';
import { OWNERS_MAX } from '../store/owners.ts';
import type { FrozenOwners, Owner } from '../store/owners.ts';
import { AccumulatorKind } from '../store/policies.ts';
import { broken, Tag } from './parts.ts';
import type { Part, PartReader } from './parts.ts';

const ROWS_MAX = 1 << 15;
/** Accumulators that are looked at for one part, of which few or none may be somebody's: others have their turn between two parts. */
const LOOKED_MAX = 1 << 16;

/** `kind` is that of the time of the snapshot. */
export function* ownerParts({ end, ownerOf }: FrozenOwners, kind: Uint8Array): Generator<Part, void> {
  const most = Math.min(end, kind.length);
  let rows = new Rows();
  let from = 0;
  let looked = 0;
  for (let accumulator = 0; accumulator < most; accumulator += 1) {
    const owner = kind[accumulator] === AccumulatorKind.FREE ? undefined : ownerOf(accumulator);
    if (owner !== undefined) rows.add(accumulator, owner);
    looked += 1;
    if (rows.length < ROWS_MAX && looked < LOOKED_MAX) continue;
    yield rows.part(from);
    from += rows.length;
    looked = 0;
    rows = new Rows();
  }
  if (rows.length > 0) yield rows.part(from);
}

/** Of one part. */
class Rows {
  length = 0;
  readonly #accumulators = new Uint32Array(ROWS_MAX);
  readonly #places = new Uint32Array(ROWS_MAX);
  readonly #placeOf = new Map<Owner, number>();

  add(accumulator: number, owner: Owner): void {
    let place = this.#placeOf.get(owner);
    if (place === undefined) this.#placeOf.set(owner, (place = this.#placeOf.size));
    this.#accumulators[this.length] = accumulator;
    this.#places[this.length] = place;
    this.length += 1;
  }

  part(from: number): Part {
    const owners = [...this.#placeOf.keys()].map(({ token, job }) => [token, job]);
    return {
      tag: Tag.OWNERS,
      from,
      rows: this.length,
      columns: [
        this.#accumulators.subarray(0, this.length),
        this.#places.subarray(0, this.length),
        Buffer.from(JSON.stringify(owners)),
      ],
    };
  }
}

function readList(bytes: Uint8Array): readonly Owner[] {
  let list: unknown;
  try {
    list = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw broken('a list of owners');
  }
  const isOwner = (one: unknown): one is [string, string] =>
    Array.isArray(one) && one.length === 2 && one.every((name) => typeof name === 'string');
  if (!Array.isArray(list) || !list.every(isOwner)) throw broken('a list of owners');
  return list.map(([token, job]) => ({ token, job }));
}

export function* readOwners(part: PartReader, { accumulators, pace }: State): Generator<void, void> {
  const owned = part.u32();
  const places = part.u32();
  const owners = readList(part.bytes());
  const { texts, kind } = accumulators;
  for (const [i, accumulator] of owned.entries()) {
    const owner = owners[places[i]!];
    if (owner === undefined || accumulator >= texts.high || kind[accumulator] === AccumulatorKind.FREE)
      throw broken(`accumulator ${accumulator} is somebody's, of ${owners.length}`);
    // They were let in before, in another order.
    accumulators.owners.give(accumulator, accumulators.owners.numberOf(owner, OWNERS_MAX));
    if (pace.isFull(1)) yield;
  }
}

/** Tokens and jobs have as many accumulators as are theirs. */
export function* verifyOwners({ accumulators, pace }: State): Generator<void, void> {
  const { owners, kind, texts } = accumulators;
  const { end, ownerOf } = owners.freeze();
  const byToken = new Map<string, number>();
  const byJob = new Map<string, number>();
  for (let accumulator = 0; accumulator < Math.min(end, texts.high); accumulator += 1) {
    if (pace.isFull(1)) yield;
    const owner = kind[accumulator] === AccumulatorKind.FREE ? undefined : ownerOf(accumulator);
    if (owner === undefined) continue;
    byToken.set(owner.token, (byToken.get(owner.token) ?? 0) + 1);
    byJob.set(owner.job, (byJob.get(owner.job) ?? 0) + 1);
  }
  byToken.delete('');
  byJob.delete('');
  for (const [token, count] of byToken)
    if (owners.ofToken(token) !== count)
      throw broken(`token ${token} has ${owners.ofToken(token)} of ${count}`);
  for (const [job, count] of byJob)
    if (owners.ofJob(job) !== count) throw broken(`a job has ${owners.ofJob(job)} of ${count}`);
  if (byToken.size !== owners.tokens.size) throw broken(`${owners.tokens.size} of ${byToken.size} tokens`);
}
