/**
 * A bounded queue that senders share: each waits in its own line, and the lines take turns. So one sender's thousand entries hold up
 * another's first one by a single entry. Within a sender its topics take turns in the same way, as many who know nothing of each
 * other may come through one proxy. When it is full, whoever waits with the most entries loses the newest of them.
 */
export class FairQueue<T> {
  readonly #sizeMax: number;
  /** In the order in which their turns come. */
  readonly #senders = new Map<string, Lines<T>>();
  #size = 0;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#size;
  }

  /** Returns the entry that had to go for this one, which is this one itself when nobody has a longer line. */
  push(sender: string, entry: T, topic = ''): T | undefined {
    const gone = this.#size < this.#sizeMax ? undefined : this.#evict(sender, topic, entry);
    if (gone === entry) return gone;
    let lines = this.#senders.get(sender);
    if (lines === undefined) {
      lines = new Lines();
      this.#senders.set(sender, lines);
    }
    lines.push(topic, entry);
    this.#size += 1;
    return gone;
  }

  shift(): T | undefined {
    for (const [sender, lines] of this.#senders) {
      const entry = lines.shift();
      this.#senders.delete(sender);
      if (lines.size > 0) this.#senders.set(sender, lines);
      this.#size -= 1;
      return entry;
    }
    return undefined;
  }

  /** Takes out all entries that `goes` names, and returns them. The others keep their places. */
  drop(goes: (entry: T) => boolean): T[] {
    const gone: T[] = [];
    for (const [sender, lines] of this.#senders) {
      lines.drop(goes, gone);
      if (lines.size === 0) this.#senders.delete(sender);
    }
    this.#size -= gone.length;
    return gone;
  }

  #evict(sender: string, topic: string, entry: T): T | undefined {
    const own = this.#senders.get(sender);
    let longest = own;
    // A sender with one entry keeps its place: it would only change who waits.
    let size = Math.max(own?.size ?? 0, 1);
    for (const lines of this.#senders.values()) {
      if (lines.size <= size) continue;
      longest = lines;
      size = lines.size;
    }
    const gone = longest?.popLongerThan(longest === own ? Math.max(own?.sizeOf(topic) ?? 0, 1) : 0);
    if (gone === undefined) return entry;
    this.#size -= 1;
    return gone;
  }
}

/** The lines of one sender, by topic; never an empty one. */
class Lines<T> {
  size = 0;
  readonly #lines = new Map<string, T[]>();

  sizeOf(topic: string): number {
    return this.#lines.get(topic)?.length ?? 0;
  }

  push(topic: string, entry: T): void {
    const line = this.#lines.get(topic);
    if (line === undefined) this.#lines.set(topic, [entry]);
    else line.push(entry);
    this.size += 1;
  }

  shift(): T | undefined {
    for (const [topic, line] of this.#lines) {
      const entry = line.shift();
      this.#lines.delete(topic);
      if (line.length > 0) this.#lines.set(topic, line);
      this.size -= 1;
      return entry;
    }
    return undefined;
  }

  /** The newest of the longest line, where one is longer than this. */
  popLongerThan(length: number): T | undefined {
    let longest: [string, T[]] | undefined;
    let most = length;
    for (const line of this.#lines) {
      if (line[1].length <= most) continue;
      longest = line;
      most = line[1].length;
    }
    if (longest === undefined) return undefined;
    const entry = longest[1].pop();
    if (longest[1].length === 0) this.#lines.delete(longest[0]);
    this.size -= 1;
    return entry;
  }

  drop(goes: (entry: T) => boolean, gone: T[]): void {
    for (const [topic, line] of this.#lines) {
      const stay: T[] = [];
      for (const entry of line) (goes(entry) ? gone : stay).push(entry);
      if (stay.length === line.length) continue;
      this.size -= line.length - stay.length;
      if (stay.length === 0) this.#lines.delete(topic);
      else this.#lines.set(topic, stay);
    }
  }
}
