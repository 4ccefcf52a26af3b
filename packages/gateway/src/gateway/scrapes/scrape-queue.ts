/**
 * Who scrapes and who waits to. First come, first served within a network; of several, the one with the fewest scrapes under way goes first, or
 * else the one whose last turn was longest ago: so one that asks without end waits for itself. Where all places are taken, slow
 * readers lose theirs.
 */
import type { ScrapeBounds } from './scrape-bounds.ts';
import type { ScrapeTurn } from './scrape-turn.ts';

/** Networks remembered; those whose last turn was longest ago are as good as new. */
const NETWORKS_MAX = 1024;

export class ScrapeQueue {
  readonly open: Set<ScrapeTurn> = new Set();
  readonly #waiting = new Set<ScrapeTurn>();
  /** When networks last had a turn, in numbers of turns; the oldest first. */
  readonly #admissions = new Map<string, number>();
  readonly #bounds: ScrapeBounds;
  #admitted = 0;

  constructor(bounds: ScrapeBounds) {
    this.#bounds = bounds;
  }

  get waiting(): ReadonlySet<ScrapeTurn> {
    return this.#waiting;
  }

  get hasPlace(): boolean {
    return this.open.size < this.#placesMax;
  }

  /** Lets a turn wait. Returns the one that there is no room for any more: the newest of the network with most that wait. */
  enter(turn: ScrapeTurn): ScrapeTurn | undefined {
    this.#waiting.add(turn);
    if (this.#waiting.size <= this.#placesMax * this.#bounds.waitingPerPlace) return undefined;
    const counts = countByNetwork(this.#waiting);
    const most = Math.max(...counts.values());
    const last = [...this.#waiting].findLast(({ network }) => counts.get(network) === most);
    if (last !== undefined) this.leave(last);
    return last;
  }

  /** Whose turn it is. */
  next(): ScrapeTurn | undefined {
    if (this.#waiting.size < 2) {
      for (const turn of this.#waiting) return turn;
      return undefined;
    }
    const shares = countByNetwork(this.open);
    const firsts = new Map<string, ScrapeTurn>();
    for (const turn of this.#waiting) if (!firsts.has(turn.network)) firsts.set(turn.network, turn);
    const share = (turn: ScrapeTurn): number => shares.get(turn.network) ?? 0;
    const last = (turn: ScrapeTurn): number => this.#admissions.get(turn.network) ?? 0;
    // In the order in which they came, where all else is the same.
    return [...firsts.values()].reduce((first, turn) =>
      (share(turn) - share(first) || last(turn) - last(first)) < 0 ? turn : first,
    );
  }

  admit(turn: ScrapeTurn): void {
    this.#waiting.delete(turn);
    this.open.add(turn);
    this.#admitted += 1;
    this.#admissions.delete(turn.network);
    this.#admissions.set(turn.network, this.#admitted);
    if (this.#admissions.size <= NETWORKS_MAX) return;
    for (const [oldest] of this.#admissions) {
      this.#admissions.delete(oldest);
      return;
    }
  }

  /** False where it had left. */
  leave(turn: ScrapeTurn): boolean {
    return this.#waiting.delete(turn) || this.open.delete(turn);
  }

  /**
   * Who is to be cut off for the sake of one that waits, or of memory where nobody is given: the slowest of those who hardly read at
   * all, or else of a network with a larger share. The more wait, the less patience there is.
   */
  victim(waiting?: ScrapeTurn): ScrapeTurn | undefined {
    const { graceMs, graceMsMin, slowBytesPerSecond } = this.#bounds;
    const patience = Math.min(1, this.#placesMax / Math.max(this.#waiting.size, 1));
    const behindMs = Math.max(graceMs * patience, graceMsMin);
    const shares = countByNetwork(this.open);
    const share = (turn: ScrapeTurn): number => shares.get(turn.network) ?? 0;
    const behind = [...this.open]
      .filter(({ pace }) => pace.behindMs >= behindMs)
      .sort((a, b) => share(b) - share(a) || a.pace.bytesPerSecond - b.pace.bytesPerSecond);
    const slow = behind.find(({ pace }) => pace.bytesPerSecond < slowBytesPerSecond);
    if (slow !== undefined || waiting === undefined) return slow;
    return behind.find((turn) => share(turn) >= share(waiting) + 2);
  }

  get #placesMax(): number {
    return Math.max(1, this.#bounds.scrapesMax);
  }
}

function countByNetwork(turns: Iterable<ScrapeTurn>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { network } of turns) counts.set(network, (counts.get(network) ?? 0) + 1);
  return counts;
}
