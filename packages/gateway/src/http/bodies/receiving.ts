/**
 * Who has to go when memory is short: of the bodies that are still being received, one of those that hold most, of the sender
 * that holds most. Most is meant to a factor of two, which makes it cheap to find.
 */

/** A body, as far as this is concerned. */
interface Received {
  readonly sender: string;
  readonly bytes: number;
  readonly isReceiving: boolean;
}

/** Things by powers of two of their size; of the same power, those that came to it first stand first. */
class Ranks<T> {
  readonly #ranks: Set<T>[] = [];

  /** A size of 0 is outside. */
  move(thing: T, from: number, to: number): void {
    const [old, now] = [rankOf(from), rankOf(to)];
    if (old === now) return;
    this.#ranks[old]?.delete(thing);
    if (now < 0) return;
    while (this.#ranks.length <= now) this.#ranks.push(new Set());
    this.#ranks[now]!.add(thing);
  }

  /** Of the highest rank, if that is above the rank of `bytes`. */
  firstAbove(bytes: number): T | undefined {
    const rank = this.#ranks.findLastIndex((things) => things.size > 0);
    if (rank <= rankOf(bytes)) return undefined;
    for (const thing of this.#ranks[rank]!) return thing;
    return undefined;
  }
}

function rankOf(bytes: number): number {
  return bytes === 0 ? -1 : 31 - Math.clz32(bytes);
}

class Sender<B> {
  bytes = 0;
  readonly bodies = new Ranks<B>();
}

export class Receiving<B extends Received> {
  readonly #bySender = new Map<string, Sender<B>>();
  readonly #senders = new Ranks<Sender<B>>();
  #bytes = 0;

  /** Of all bodies being received. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The body had `from` bytes here and has `to`; 0 is outside. */
  move(body: B, from: number, to: number): void {
    if (from === to) return;
    let sender = this.#bySender.get(body.sender);
    if (sender === undefined) {
      sender = new Sender();
      this.#bySender.set(body.sender, sender);
    }
    sender.bodies.move(body, from, to);
    const before = sender.bytes;
    sender.bytes += to - from;
    this.#bytes += to - from;
    this.#senders.move(sender, before, sender.bytes);
    if (sender.bytes === 0) this.#bySender.delete(body.sender);
  }

  /**
   * Which body goes so that `asking` may have `bytes` in all: undefined when no other sender holds more than this one would, and none
   * of its own bodies is larger. So who asks is refused where all are alike, and what has begun is finished.
   */
  toGoFor(asking: B, bytes: number): B | undefined {
    const own = this.#bySender.get(asking.sender);
    const others = (own?.bytes ?? 0) - (asking.isReceiving ? asking.bytes : 0);
    const greatest = this.#senders.firstAbove(others + bytes) ?? own;
    return greatest === own ? own?.bodies.firstAbove(bytes) : greatest?.bodies.firstAbove(0);
  }
}
