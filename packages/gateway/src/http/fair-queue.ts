/**
 * A bounded queue that senders share: each waits in its own line, and the lines take turns. So one sender's thousand entries hold up
 * another's first one by a single entry. When it is full, whoever waits with the most entries loses the newest of them.
 */
export class FairQueue<T> {
  readonly #sizeMax: number;
  /** In the order in which their turns come. */
  readonly #lines = new Map<string, T[]>();
  #size = 0;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#size;
  }

  /** Returns the entry that had to go for this one, which is this one itself when its sender has the longest line. */
  push(sender: string, entry: T): T | undefined {
    const gone = this.#size < this.#sizeMax ? undefined : this.#makeRoom(sender, entry);
    if (gone === entry) return gone;
    const line = this.#lines.get(sender);
    if (line === undefined) this.#lines.set(sender, [entry]);
    else line.push(entry);
    this.#size += 1;
    return gone;
  }

  shift(): T | undefined {
    for (const [sender, line] of this.#lines) {
      this.#lines.delete(sender);
      const entry = line.shift();
      if (line.length > 0) this.#lines.set(sender, line);
      this.#size -= 1;
      return entry;
    }
    return undefined;
  }

  #makeRoom(sender: string, entry: T): T | undefined {
    let longest = sender;
    let length = this.#lines.get(sender)?.length ?? 0;
    for (const [other, line] of this.#lines) {
      // A line of one keeps its place: it would only change who waits.
      if (line.length <= Math.max(length, 1)) continue;
      longest = other;
      length = line.length;
    }
    if (longest === sender) return entry;
    this.#size -= 1;
    return this.#lines.get(longest)?.pop();
  }
}
