/** What lies between members: it loses, delays and parts them. */
import type { Faults } from './faulty-log.ts';
import type { Random } from './random.ts';
import type { VirtualProcess, VirtualTime } from './virtual-time.ts';

const TAKES_MS = 20;
const LATE_MS = 4_500;

export class Network {
  readonly faults: Faults;
  /** Pairs of names that do not hear of each other. */
  readonly #cut = new Set<string>();
  readonly #time: VirtualTime;
  readonly #random: Random;
  /** What comes late does not come: nobody could say that it is late. */
  readonly #isOrdered: boolean;

  constructor(
    time: VirtualTime,
    deps: { readonly random: Random; readonly faults: Faults; readonly isOrdered: boolean },
  ) {
    this.#time = time;
    this.#random = deps.random;
    this.faults = deps.faults;
    this.#isOrdered = deps.isOrdered;
  }

  part(one: string, other: string, ms: number): void {
    const pair = [one, other].toSorted().join(' ');
    this.#cut.add(pair);
    this.#time.at(ms, () => this.#cut.delete(pair));
  }

  healAll(): void {
    this.#cut.clear();
  }

  /** Whether one can connect to the other. */
  reaches(one: string, other: string): boolean {
    return !this.#cut.has([one, other].toSorted().join(' '));
  }

  /** At a process that may be stopped just then. */
  arrive(process: VirtualProcess, run: () => void): void {
    if (!process.isPaused || !this.#isOrdered) process.reach(run);
  }

  /** Has it arrive, if it does, once the process can. */
  send(from: string, to: string, process: VirtualProcess, arrive: () => void): void {
    const random = this.#random;
    const isLate = random.chance(this.faults.late);
    const isLost = random.chance(this.faults.lost) || (isLate && this.#isOrdered);
    if (isLost || !this.reaches(from, to)) return;
    const takesMs = isLate ? random.next() * LATE_MS : random.next() * TAKES_MS;
    this.#time.at(takesMs, () => this.arrive(process, arrive));
  }
}
