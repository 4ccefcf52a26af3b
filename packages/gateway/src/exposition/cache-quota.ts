/**
 * The bytes that the kept text of all ways to write an exposition may take together, with what expositions under way have recorded so far in order
 * to keep it. Where one way needs room, another gives way that was not asked for since the exposition before this one, those first
 * that were not for longest. So two scrapers of different formats do not write everything anew in turns.
 */
export interface QuotaUser {
  /** What it takes. */
  readonly bytes: number;
  /** By `CacheQuota.use`: when it was asked for, and the time before. */
  readonly usedAt: number;
  readonly usedBefore: number;
  clear(): void;
}

export class CacheQuota {
  readonly #bytesMax: number;
  readonly #users = new Set<QuotaUser>();
  #uses = 0;
  #recordedBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** What all take. */
  get bytes(): number {
    let bytes = this.#recordedBytes;
    for (const user of this.#users) bytes += user.bytes;
    return bytes;
  }

  add(user: QuotaUser): void {
    this.#users.add(user);
  }

  /** Grows with every page. */
  use(): number {
    this.#uses += 1;
    return this.#uses;
  }

  /** What this one could still take. */
  left(wanting: QuotaUser): number {
    let left = this.#bytesMax - this.#recordedBytes;
    for (const user of this.#users) if (!givesWay(user, wanting)) left -= user.bytes;
    return left;
  }

  /** Sees to it that this one can take so many bytes more; false where it cannot. */
  makeFor(wanting: QuotaUser, bytes: number): boolean {
    if (bytes > this.left(wanting)) return false;
    while (this.bytes + bytes > this.#bytesMax) {
      const others = [...this.#users].filter((user) => givesWay(user, wanting) && user.bytes > 0);
      others.sort((a, b) => a.usedAt - b.usedAt)[0]!.clear();
    }
    return true;
  }

  /** For text that is about to be written, of which so much may be kept. */
  record(wanting: QuotaUser, bytesMax: number): Recording {
    return new Recording(bytesMax, (bytes) => {
      if (bytes > 0 && !this.makeFor(wanting, bytes)) return false;
      this.#recordedBytes += bytes;
      return true;
    });
  }
}

/** Room for text while it is written. Others may need it meanwhile. */
export class Recording {
  readonly bytesMax: number;
  readonly #take: (bytes: number) => boolean;
  #bytes = 0;
  #isCrowded = false;

  constructor(bytesMax: number, take: (bytes: number) => boolean) {
    this.bytesMax = bytesMax;
    this.#take = take;
  }

  /** Whether others took what there was at first. */
  get isCrowded(): boolean {
    return this.#isCrowded;
  }

  /** False where there is no room for so many bytes more. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.bytesMax) return false;
    this.#isCrowded = !this.#take(bytes);
    if (!this.#isCrowded) this.#bytes += bytes;
    return !this.#isCrowded;
  }

  /** Gives the room back: what is kept takes room of its own. */
  close(): void {
    this.#take(-this.#bytes);
    this.#bytes = 0;
  }
}

function givesWay(user: QuotaUser, wanting: QuotaUser): boolean {
  return user !== wanting && user.usedAt < wanting.usedBefore;
}
