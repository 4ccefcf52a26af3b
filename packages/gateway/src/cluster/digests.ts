/**
 * Whether members have come to the same state. Now and then the leader marks the place in the log that its state is of, takes a digest of it while it goes
 * on, and puts that in the log as well. Who follows takes one of its own where it reads the mark, and compares once it has both.
 *
 *   … record 7 │ mark │ record 8 │ record 9 │ digest of the state after record 7 │ record 10 …
 */
import { deferred } from '../primitives/deferred.ts';
import type { Lead } from './lead.ts';
import type { MarkedDigest } from './log/block.ts';
import type { Timing } from './timing.ts';

export interface Compared {
  /** Of the last record that is in both. */
  readonly index: number;
  readonly own: string;
  readonly leaders: string;
}

export interface DigestOptions {
  /** Between two marks, if there were records. */
  readonly intervalMs: number;
  /** Of this program. Others may have another form of digests, so these are not compared. */
  readonly version: string;
  /** A digest of the state, undefined where it could not be taken; `begun` is called in the turn whose state it is of. */
  readonly take: (begun: () => void) => Promise<string | undefined>;
  readonly onCompared: (compared: Compared) => void;
}

/** Marks places and tells digests, for as long as it leads. To be called once the state can be changed. */
export async function tellDigests(
  lead: Pick<Lead, 'logIndex' | 'mark' | 'tell'>,
  { intervalMs, version, take }: DigestOptions,
  { timing, signal }: { readonly timing: Timing; readonly signal: AbortSignal },
): Promise<void> {
  let index: number | undefined;
  try {
    for (;;) {
      await timing.sleep(intervalMs, signal);
      if (lead.logIndex === index) continue;
      const digest = await take(() => {
        index = lead.logIndex;
        lead.mark();
      });
      if (digest !== undefined) await lead.tell({ index: index!, version, digest });
    }
  } catch {
    // It leads no more, for a reason that others were told.
  }
}

/** Digests of the state at one mark. */
interface AtMark {
  readonly index: number;
  own: string | undefined;
  leaders: MarkedDigest | undefined;
}

/** Of one who follows, from when it joins until it leads, or joins anew. */
export class Comparison {
  readonly #options: DigestOptions;
  readonly #signal: AbortSignal;
  #atMark: AtMark | undefined;
  #isTaking = false;

  constructor(options: DigestOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** Resolves when the state may go on. A mark is passed over where the digest of the one before is not taken yet. */
  async mark(index: number): Promise<void> {
    if (this.#isTaking) return;
    this.#atMark = { index, own: undefined, leaders: undefined };
    const begun = deferred();
    await Promise.race([begun.promise, this.#take(this.#atMark, begun.resolve)]);
  }

  async #take(atMark: AtMark, begun: () => void): Promise<void> {
    this.#isTaking = true;
    try {
      atMark.own = await this.#options.take(begun);
      this.#compare(atMark);
    } finally {
      this.#isTaking = false;
    }
  }

  /** What the leader has, or had, if it was lost meanwhile: whoever leads, all have the same there. */
  tell(leaders: MarkedDigest): void {
    const atMark = this.#atMark;
    if (atMark?.index !== leaders.index) return;
    atMark.leaders = leaders;
    this.#compare(atMark);
  }

  #compare({ index, own, leaders }: AtMark): void {
    const { version, onCompared } = this.#options;
    if (own === undefined || leaders === undefined || this.#signal.aborted) return;
    if (leaders.version === version) onCompared({ index, own, leaders: leaders.digest });
  }
}
