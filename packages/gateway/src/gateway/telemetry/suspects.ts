/**
 * Senders that push in a way that the mode of the gateway is wrong for, which nobody sees on the page: totals that are added up again and
 * again, two processes that replace each other, start times that are invented. A few series of some paths are watched, in memory alone.
 *
 * A look costs some hundredths of what a push does, which is too much where there are very many. There some are looked at: any part of the
 * pushes of a path shows what all of them do, if it is taken at random.
 */
import type { Batch } from '../../store/batch.ts';
import type { Accumulators } from '../../store/accumulators.ts';
import type { Label } from '../../model/labels.ts';
import type { Log } from '../../primitives/log.ts';
import { shorten } from '../../primitives/quote.ts';
import type { Suspect } from '../api.ts';
import { hasStartTime } from '../../store/policies.ts';
import { Xorshift } from '../../primitives/xorshift.ts';

export const suspicions = ['totals_in_add_mode', 'two_on_one_path', 'invented_start_times'] as const;
export type Suspicion = (typeof suspicions)[number];

const remedies: Readonly<Record<Suspicion, string>> = {
  totals_in_add_mode:
    'pushes to this path look like totals, which add mode adds again with each push; run the gateway with --by-job or set mode: by-job for this sender, or reset the counters after each push',
  two_on_one_path:
    'counters pushed to this path go up and down, as if two processes overwrote each other; give each its own path, with an instance label',
  invented_start_times:
    'a source sends a newer start time with each push although its counters continue, so they are added in full each time; use --job-counter-resets=accumulate-by-value, or counter_resets for this sender',
};

const PATHS_MAX = 1000;
const SERIES_MAX = 8;
/** Entries of a push among which series to watch are looked for. */
const LOOKED_AT_MAX = 64;
/** When as many paths are watched as may be, so many pushes of others go by before one takes the place of the oldest. */
const PASSED_BY = 64;
/** Pushes after which it is decided anew whether all are looked at: if they took as many milliseconds, or more. */
const BLOCK_PUSHES = 256;
/** Otherwise one of so many. */
const LOOK_EVERY = 32;
const PUSHES_MIN = 20;
const RISES_MIN = 10;
const SERIES_MIN = 2;
const FALLS_MIN = 5;
const MOVES_MIN = 10;
const MOVED_RISES_MIN = 5;
const MOVED_MS = 1000;

interface Watched {
  readonly accumulator: number;
  /** Its place in the push, mostly the same. */
  readonly entry: number;
  value: number;
  rises: number;
  falls: number;
  /** Were there two processes: the last value of the one that did not push last. */
  other: number;
}

interface Path {
  pushes: number;
  series: Watched[];
  startMs: number;
  moves: number;
  movedRises: number;
  suspicion: Suspicion | undefined;
}

export class Suspects {
  readonly #log: Log;
  readonly #paths = new Map<string, Path>();
  readonly #reported = new Set<Suspicion>();
  readonly #now: () => number;
  #passedBy = 0;
  /** Pushes not to look at, and how many there were before the last look. */
  #skip = 0;
  #skipped = 0;
  #blockLeft = BLOCK_PUSHES;
  #blockSinceMs: number;
  readonly #random = new Xorshift();

  /** `now` is in milliseconds since any time. */
  constructor(log: Log, now: () => number) {
    this.#log = log;
    this.#now = now;
    this.#blockSinceMs = now();
  }

  /** How many of the watched paths look so. */
  count(suspicion: Suspicion): number {
    let count = 0;
    for (const path of this.#paths.values()) if (path.suspicion === suspicion) count += 1;
    return count;
  }

  /** One path for each suspicion. */
  list(): readonly Suspect[] {
    const found = new Map<Suspicion, { readonly key: string; paths: number }>();
    for (const [key, { suspicion }] of this.#paths) {
      if (suspicion === undefined) continue;
      const known = found.get(suspicion);
      if (known === undefined) found.set(suspicion, { key, paths: 1 });
      else known.paths += 1;
    }
    return [...found].map(([suspicion, { key, paths }]) => ({
      remedy: remedies[suspicion],
      labels: labelsOf(key),
      paths,
    }));
  }

  /** To be called with each push that counts. */
  see(key: string, batch: Batch, accumulators: Accumulators): void {
    if (this.#skip > 0) {
      this.#skip -= 1;
      return;
    }
    this.#chooseNext();
    this.#look(key, batch, accumulators);
  }

  #chooseNext(): void {
    this.#blockLeft -= this.#skipped + 1;
    if (this.#blockLeft <= 0) {
      const nowMs = this.#now();
      const areMany = nowMs - this.#blockSinceMs < BLOCK_PUSHES;
      this.#blockLeft = BLOCK_PUSHES;
      this.#blockSinceMs = nowMs;
      this.#skipped = areMany ? 1 : 0;
    }
    if (this.#skipped === 0) return;
    this.#skipped = 1 + ((this.#random.next() >>> 8) % (2 * LOOK_EVERY - 3));
    this.#skip = this.#skipped;
  }

  #look(key: string, batch: Batch, accumulators: Accumulators): void {
    const path = this.#paths.get(key) ?? this.#admit(key);
    if (path === undefined || path.suspicion !== undefined) return;
    if (!isSameShape(path, batch)) {
      begin(path, seriesOf(batch, accumulators), batch);
      return;
    }
    path.pushes += 1;
    const suspicion = batch.sender.byJob ? lookByJob(path, batch) : lookAtTotals(path, batch);
    if (suspicion !== undefined) this.#report(key, path, suspicion);
  }

  #admit(key: string): Path | undefined {
    if (this.#paths.size >= PATHS_MAX) {
      this.#passedBy += 1;
      if (this.#passedBy % PASSED_BY !== 0) return undefined;
      for (const oldest of this.#paths.keys()) {
        this.#paths.delete(oldest);
        break;
      }
    }
    const path: Path = {
      pushes: 0,
      series: [],
      startMs: Number.NaN,
      moves: 0,
      movedRises: 0,
      suspicion: undefined,
    };
    this.#paths.set(key, path);
    return path;
  }

  #report(key: string, path: Path, suspicion: Suspicion): void {
    path.suspicion = suspicion;
    if (this.#reported.has(suspicion)) return;
    this.#reported.add(suspicion);
    this.#log.warn(remedies[suspicion], { reason: suspicion, path: shorten(key) });
  }
}

/** See GroupingKey.text. */
function labelsOf(key: string): readonly Label[] {
  const pairs = JSON.parse(key) as readonly (readonly [name: string, value: string])[];
  return pairs.map(([name, value]) => ({ name, value }));
}

function seriesOf({ accumulators: named, values, length }: Batch, { kind }: Accumulators): Watched[] {
  const series: Watched[] = [];
  for (let entry = 0; entry < Math.min(length, LOOKED_AT_MAX) && series.length < SERIES_MAX; entry += 1) {
    const accumulator = named[entry]!;
    if (!hasStartTime(kind[accumulator]!)) continue;
    series.push({ accumulator, entry, value: values[entry]!, rises: 0, falls: 0, other: Number.NaN });
  }
  return series;
}

function begin(path: Path, series: Watched[], { began }: Batch): void {
  path.series = series;
  path.pushes = 1;
  path.startMs = began[0]?.startMs ?? Number.NaN;
  path.moves = 0;
  path.movedRises = 0;
}

function isSameShape({ pushes, series }: Path, { accumulators, length }: Batch): boolean {
  if (pushes === 0 || series.length === 0) return false;
  for (const { accumulator, entry } of series)
    if (entry >= length || accumulators[entry] !== accumulator) return false;
  return true;
}

/** In add mode: two series or more that rise, and none that falls. */
function lookAtTotals(path: Path, { values }: Batch): Suspicion | undefined {
  let risen = 0;
  for (const one of path.series) {
    const value = values[one.entry]!;
    if (value < one.value) {
      restart(path, values);
      return undefined;
    }
    if (value > one.value) one.rises += 1;
    one.value = value;
    if (one.rises >= RISES_MIN) risen += 1;
  }
  return path.pushes >= PUSHES_MIN && risen >= SERIES_MIN ? 'totals_in_add_mode' : undefined;
}

function lookByJob(path: Path, batch: Batch): Suspicion | undefined {
  const [first] = path.series;
  if (first === undefined) return undefined;
  if (batch.began.length > 0) {
    const { startMs } = batch.began[0]!;
    const value = batch.values[first.entry]!;
    const goesOn = startMs > path.startMs + MOVED_MS && value >= first.value;
    path.moves = goesOn ? path.moves + 1 : 0;
    path.movedRises = goesOn ? path.movedRises + (value > first.value ? 1 : 0) : 0;
    path.startMs = startMs;
    if (path.moves >= MOVES_MIN && path.movedRises >= MOVED_RISES_MIN) return 'invented_start_times';
  }
  return lookForTwo(path, batch);
}

/**
 * Values that fall again and again, and yet come from two processes each of which only rises. Of values that come as they like, two
 * such rows cannot be made for long.
 */
function lookForTwo(path: Path, { values }: Batch): Suspicion | undefined {
  let suspected = 0;
  for (const one of path.series) {
    const value = values[one.entry]!;
    if (value < one.value) {
      // The other one has its turn, which has not fallen either.
      if (value < one.other) {
        restart(path, values);
        return undefined;
      }
      one.falls += 1;
      one.other = one.value;
    } else if (one.other > one.value && value >= one.other) {
      const mine = one.value;
      one.value = one.other;
      one.other = mine;
    }
    if (value > one.value) one.rises += 1;
    one.value = value;
    if (one.falls >= FALLS_MIN && one.rises >= FALLS_MIN) suspected += 1;
  }
  if (path.pushes < PUSHES_MIN) return undefined;
  return suspected >= Math.min(SERIES_MIN, path.series.length) ? 'two_on_one_path' : undefined;
}

function restart(path: Path, values: Float64Array): void {
  path.pushes = 1;
  for (const one of path.series) {
    one.value = values[one.entry]!;
    one.rises = 0;
    one.falls = 0;
    one.other = Number.NaN;
  }
}
