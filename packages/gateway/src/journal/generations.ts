/**
 * The snapshots that are kept: the newest and the one before it, and with the older one all segments after it. So a damaged newest
 * snapshot costs nothing, and a copy of the folder taken while it changes has one whole generation at least. The state without
 * any record, at log index 0, counts as a generation.
 */
import { messageOf, type Files } from './files.ts';
import type { Segments } from './segments.ts';
import type { Log } from '../primitives/log.ts';

export interface KeptSnapshot {
  readonly path: string;
  readonly logIndex: number;
  readonly bytes: number;
}

export class Generations {
  #newest: KeptSnapshot | undefined = undefined;
  #older: KeptSnapshot | undefined = undefined;
  /** Damaged ones that recovery has passed over. They go with the next snapshot. */
  #damaged: KeptSnapshot[] = [];
  /** Whether the older generation was given up for room; then records are kept from the newest on. */
  #single = false;
  readonly #files: Files;
  readonly #log: Log;

  constructor(files: Files, log: Log) {
    this.#files = files;
    this.#log = log;
  }

  /** `whole` and `damaged` are what recovery has found, `whole` newest first. */
  adopt(whole: readonly KeptSnapshot[], damaged: readonly KeptSnapshot[]): void {
    this.#newest = whole[0];
    this.#older = whole[1];
    this.#damaged = [...damaged, ...whole.slice(2)];
  }

  get newest(): KeptSnapshot | undefined {
    return this.#newest;
  }

  get bytes(): number {
    let bytes = (this.#newest?.bytes ?? 0) + (this.#older?.bytes ?? 0);
    for (const snapshot of this.#damaged) bytes += snapshot.bytes;
    return bytes;
  }

  /** Records after this log index are needed. */
  get keepAfter(): number {
    if (this.#single) return this.#newest?.logIndex ?? 0;
    return this.#older?.logIndex ?? 0;
  }

  /** A new snapshot is committed: the oldest generation goes. */
  async add(snapshot: KeptSnapshot, segments: Segments): Promise<void> {
    const gone = this.#damaged;
    // Of the same state as the one before: there is one file for both, and the generation before stays what it was.
    if (this.#newest?.logIndex !== snapshot.logIndex) {
      if (this.#older !== undefined) gone.push(this.#older);
      this.#older = this.#newest;
      this.#single = false;
    }
    this.#newest = snapshot;
    this.#damaged = [];
    for (const old of gone) if (old.path !== snapshot.path) await this.#remove(old);
    await segments.removeUpTo(this.keepAfter);
  }

  /** Gives up all but the newest snapshot and what is after it. Returns whether that has freed anything. */
  async dropOlder(segments: Segments): Promise<boolean> {
    if (this.#newest === undefined) return false;
    const before = this.bytes + segments.bytes;
    const gone = this.#damaged;
    if (this.#older !== undefined) gone.push(this.#older);
    this.#older = undefined;
    this.#damaged = [];
    this.#single = true;
    for (const old of gone) await this.#remove(old);
    await segments.removeUpTo(this.keepAfter);
    return this.bytes + segments.bytes < before;
  }

  async #remove(snapshot: KeptSnapshot): Promise<void> {
    try {
      await this.#files.remove(snapshot.path);
    } catch (error) {
      this.#damaged.push(snapshot);
      this.#log.warn('removing an obsolete snapshot failed', {
        file: snapshot.path,
        error: messageOf(error),
      });
    }
  }
}
