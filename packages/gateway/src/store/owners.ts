/**
 * Whose series are, for limits of how many somebody may have: of the token and the job by which a series was first pushed, until it goes. By
 * accumulator, in pages that are there only where somebody has something; where nobody is asked for, there is none of this.
 */

const PAGE_BITS = 12;
const PAGE_ROWS = 1 << PAGE_BITS;
const NOBODY = 0;
/** So many may have series at once; series of others are nobody's. */
export const OWNERS_MAX: number = 2 ** 16 - 1;
/** Anybody may make up jobs, so these leave some room for tokens alone. */
export const OWNERS_OF_JOBS_MAX: number = OWNERS_MAX - 2 ** 12;

/** Empty where it is not asked for. */
export interface Owner {
  readonly token: string;
  readonly job: string;
}

interface Owned extends Owner {
  /** Accumulators. */
  count: number;
}

/** Whose accumulators were at one point in time. */
export interface FrozenOwners {
  /** Accumulators from here on were nobody's. */
  readonly end: number;
  readonly ownerOf: (accumulator: number) => Owner | undefined;
}

export class Owners {
  /** By number; the first stands for nobody. */
  readonly #owned: (Owned | undefined)[] = [undefined];
  readonly #numbers = new Map<string, number>();
  readonly #freeNumbers: number[] = [];
  readonly #pages: (Uint16Array | undefined)[] = [];
  readonly #byToken = new Map<string, number>();
  readonly #byJob = new Map<string, number>();

  /** Accumulators that are somebody's. */
  size = 0;

  /** Whether `numberOf` has room for this one. */
  hasRoomFor(owner: Owner): boolean {
    return this.#numbers.size < mostFor(owner) || this.#numbers.has(keyOf(owner));
  }

  /** To be given to `give` before another is asked for; that of nobody where there are too many: `most` or more. */
  numberOf(owner: Owner, most: number = mostFor(owner)): number {
    const key = keyOf(owner);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    if (this.#numbers.size >= most) return NOBODY;
    const number = this.#freeNumbers.pop() ?? this.#owned.length;
    this.#owned[number] = { token: owner.token, job: owner.job, count: 0 };
    this.#numbers.set(key, number);
    return number;
  }

  /** An accumulator that was created has this one. */
  give(accumulator: number, number: number): void {
    if (number === NOBODY) return;
    const index = accumulator >>> PAGE_BITS;
    while (this.#pages.length <= index) this.#pages.push(undefined);
    const page = (this.#pages[index] ??= new Uint16Array(PAGE_ROWS));
    page[accumulator & (PAGE_ROWS - 1)] = number;
    this.#count(number, 1);
  }

  /** One is another's heir. */
  giveAs(accumulator: number, other: number): void {
    this.give(accumulator, this.#at(other));
  }

  /** To be called once for each accumulator that goes. Whose it was can be read until its number is used again. */
  letGo(accumulator: number): void {
    const number = this.#at(accumulator);
    if (number !== NOBODY) this.#count(number, -1);
  }

  /** To be called when the number of an accumulator is used again. */
  forget(accumulator: number): void {
    const page = this.#pages[accumulator >>> PAGE_BITS];
    if (page !== undefined) page[accumulator & (PAGE_ROWS - 1)] = NOBODY;
  }

  /** Lets a number be used again to which nothing was given. */
  settle(number: number): void {
    if (this.#owned[number]?.count === 0) this.#drop(number);
  }

  ofToken(token: string): number {
    return this.#byToken.get(token) ?? 0;
  }

  ofJob(job: string): number {
    return this.#byJob.get(job) ?? 0;
  }

  /** Accumulators by token, and by job. */
  get tokens(): ReadonlyMap<string, number> {
    return this.#byToken;
  }

  get jobs(): ReadonlyMap<string, number> {
    return this.#byJob;
  }

  /** As it is now, for a snapshot; accumulators that go later are read as they were. */
  freeze(): FrozenOwners {
    const owners = this.#owned.map((owned) => owned && { token: owned.token, job: owned.job });
    return {
      end: this.#pages.length * PAGE_ROWS,
      ownerOf: (accumulator) => owners[this.#at(accumulator)],
    };
  }

  #at(accumulator: number): number {
    return this.#pages[accumulator >>> PAGE_BITS]?.[accumulator & (PAGE_ROWS - 1)] ?? NOBODY;
  }

  #count(number: number, by: 1 | -1): void {
    const owned = this.#owned[number]!;
    owned.count += by;
    this.size += by;
    if (owned.token !== '') add(this.#byToken, owned.token, by);
    if (owned.job !== '') add(this.#byJob, owned.job, by);
    if (owned.count === 0) this.#drop(number);
  }

  #drop(number: number): void {
    this.#numbers.delete(keyOf(this.#owned[number]!));
    this.#owned[number] = undefined;
    this.#freeNumbers.push(number);
  }
}

function mostFor({ job }: Owner): number {
  return job === '' ? OWNERS_MAX : OWNERS_OF_JOBS_MAX;
}

function keyOf({ token, job }: Owner): string {
  return `${token}\0${job}`;
}

function add(counts: Map<string, number>, name: string, by: number): void {
  const count = (counts.get(name) ?? 0) + by;
  if (count === 0) counts.delete(name);
  else counts.set(name, count);
}
