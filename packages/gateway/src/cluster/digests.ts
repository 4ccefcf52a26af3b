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

/** Of one who follows, from when it joins until it leads, or joins anew. */
export class Comparison {
  readonly #options: DigestOptions;
  readonly #signal: AbortSignal;
  /** Of the newest mark; its digest once it is taken. */
  #own: { readonly index: number; digest: string | undefined } | undefined;
  #isTaking = false;
  #leaders: MarkedDigest | undefined;

  constructor(options: DigestOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** Resolves when the state may go on. A mark is passed over where the digest of the one before is not taken yet. */
  async mark(index: number): Promise<void> {
    if (this.#isTaking) return;
    const begun = deferred();
    this.#own = { index, digest: undefined };
    const taken = this.#take(this.#own, begun.resolve);
    await Promise.race([begun.promise, taken]);
  }

  async #take(own: { digest: string | undefined }, begun: () => void): Promise<void> {
    this.#isTaking = true;
    try {
      own.digest = await this.#options.take(begun);
      if (own === this.#own) this.#compare();
    } finally {
      this.#isTaking = false;
    }
  }

  /** What the leader has at the newest mark. */
  tell(leaders: MarkedDigest): void {
    this.#leaders = leaders;
    this.#compare();
  }

  /** Who has put the newest mark says no more of it. */
  forget(): void {
    this.#own = undefined;
    this.#leaders = undefined;
  }

  #compare(): void {
    const { version, onCompared } = this.#options;
    const [own, leaders] = [this.#own, this.#leaders];
    if (own?.digest === undefined || own.index !== leaders?.index || this.#signal.aborted) return;
    this.forget();
    if (leaders.version === version)
      onCompared({ index: own.index, own: own.digest, leaders: leaders.digest });
  }
}
