/**
 * The memory of all bodies, under one budget. What counts is what was written to, as memory that was only allocated takes
 * none: a body that announces much and sends little takes little.
 *
 * When the budget is used up, what waits to be used again goes first, then bodies that are still being received and hold most
 * (`Receiving`), so that slow and large bodies cannot keep out others. Bodies that are larger than `smallBytesMax` leave a quarter
 * to those that are not, and those of one sender to those of others.
 */
import { RequestError } from '../../model/errors.ts';
import { Receiving } from './receiving.ts';

interface BodyMemoryBounds {
  readonly bytesMax: number;
  readonly smallBytesMax: number;
}

const SMALL_BYTES_MAX = 64 * 1024;

/** Buffers of this size and more are used again: fresh memory costs system calls and page faults, and lies about until it is collected. */
export const REUSED_BYTES_MIN: number = 1 << 20;
/** No memory is used again that is so many times larger than what is wanted. */
const REUSED_TIMES_MAX = 4;
/** What waits to be used again may take so much, and this part of all. */
const IDLE_BYTES_MAX = 32 << 20;
const IDLE_PART = 1 / 4;

/** What an allocation holds: its bytes up to `prefetched` were written to, and are real. */
export interface Memory {
  readonly bytes: Buffer;
  prefetched: number;
}

export class BodyMemory {
  readonly #bounds: BodyMemoryBounds;
  readonly #receiving = new Receiving<BodyShare>();
  readonly #idle: Memory[] = [];
  #bytesHeld = 0;
  #bytesIdle = 0;
  /** Of bodies that are not small. */
  #bytesLarge = 0;
  /** The same of those that were received and wait or are used, in all and by sender. They cannot give way. */
  #bytesWaiting = 0;
  readonly #waitingOf = new Map<string, number>();

  constructor(bounds: Pick<BodyMemoryBounds, 'bytesMax'> & Partial<BodyMemoryBounds>) {
    this.#bounds = { smallBytesMax: SMALL_BYTES_MAX, ...bounds };
  }

  /** Of all bodies that are being received or used. */
  get bytesHeld(): number {
    return this.#bytesHeld;
  }

  /** Of what waits to be used again. */
  get bytesIdle(): number {
    return this.#bytesIdle;
  }

  /** Throws `overloaded` when there would be no room for so many bytes, whoever had to go for them. */
  checkAnnounced(bytes: number): void {
    if (this.#bytesHeld - this.#receiving.bytes + bytes > this.#bounds.bytesMax) throw overloaded();
  }

  share(sender: string): BodyShare {
    return new BodyShare(this, sender);
  }

  /** Of shares alone. `bytes` may be less than 0; to take more may throw RequestError, and nothing is taken then. */
  change(share: BodyShare, bytes: number): void {
    if (bytes > 0) this.#evict(share, bytes);
    const before = share.bytes;
    const after = before + bytes;
    share.bytes = after;
    this.#bytesHeld += bytes;
    const large = this.#large(after) - this.#large(before);
    this.#bytesLarge += large;
    if (share.isReceiving) this.#receiving.move(share, before, after);
    else this.#changeWaiting(share.sender, large);
  }

  /** The share begins or ends to be received. */
  receive(share: BodyShare, isReceiving: boolean): void {
    this.#receiving.move(share, isReceiving ? 0 : share.bytes, isReceiving ? share.bytes : 0);
    this.#changeWaiting(share.sender, isReceiving ? -this.#large(share.bytes) : this.#large(share.bytes));
  }

  /** Idle memory of at least `bytes`, which counts for the share from now on. */
  takeIdle(share: BodyShare, bytes: number, bytesWanted: number): Memory | undefined {
    const found = this.#idle.findIndex(
      (memory) =>
        memory.bytes.length >= bytes &&
        memory.bytes.length <= REUSED_TIMES_MAX * bytesWanted &&
        this.#fits(share, share.bytes + memory.prefetched),
    );
    if (found === -1) return undefined;
    const [memory] = this.#idle.splice(found, 1);
    this.#bytesIdle -= memory!.prefetched;
    this.change(share, memory!.prefetched);
    return memory;
  }

  /** Nobody may hold it any more. */
  giveIdle(memory: Memory): void {
    if (memory.bytes.length < REUSED_BYTES_MIN) return;
    const { bytesMax } = this.#bounds;
    const bytesIdle = this.#bytesIdle + memory.prefetched;
    if (bytesIdle > Math.min(IDLE_BYTES_MAX, bytesMax * IDLE_PART)) return;
    if (this.#bytesHeld + bytesIdle > bytesMax) return;
    this.#idle.push(memory);
    this.#idle.sort((a, b) => a.bytes.length - b.bytes.length);
    this.#bytesIdle = bytesIdle;
  }

  #large(bytes: number): number {
    return bytes > this.#bounds.smallBytesMax ? bytes : 0;
  }

  #changeWaiting(sender: string, bytes: number): void {
    if (bytes === 0) return;
    this.#bytesWaiting += bytes;
    const waiting = (this.#waitingOf.get(sender) ?? 0) + bytes;
    if (waiting === 0) this.#waitingOf.delete(sender);
    else this.#waitingOf.set(sender, waiting);
  }

  /**
   * Throws `overloaded` where a sender would have more than twice as much in several large bodies that wait as is left for others. So there
   * is always room for the first one of somebody else.
   */
  checkShare(share: BodyShare, bytes: number): void {
    const before = share.isReceiving ? 0 : this.#large(share.bytes);
    const large = this.#large(bytes);
    const own = (this.#waitingOf.get(share.sender) ?? 0) - before;
    if (large === 0 || own === 0) return;
    const left = (this.#bounds.bytesMax / 4) * 3 - (this.#bytesWaiting - before + large);
    if (own + large > 2 * Math.max(left, 0)) throw overloaded();
  }

  #evict(share: BodyShare, more: number): void {
    const { bytesMax } = this.#bounds;
    const bytes = share.bytes + more;
    if (bytes > bytesMax) throw tooLargeForAll(bytesMax);
    if (!share.isReceiving) this.checkShare(share, bytes);
    while (!this.#fits(share, bytes)) {
      const isFull = this.#bytesHeld + more > bytesMax;
      const victim = this.#receiving.toGoFor(share, bytes);
      // A small one makes no room in what is kept from large ones.
      if (victim === undefined || (!isFull && this.#large(victim.bytes) === 0)) throw overloaded();
      victim.giveWay();
    }
    while (this.#bytesHeld + this.#bytesIdle + more > bytesMax)
      this.#bytesIdle -= this.#idle.pop()!.prefetched;
  }

  #fits(share: BodyShare, bytes: number): boolean {
    const { bytesMax } = this.#bounds;
    if (this.#bytesHeld - share.bytes + bytes > bytesMax) return false;
    const large = this.#large(bytes);
    const otherLarge = this.#bytesLarge - this.#large(share.bytes);
    return large === 0 || otherLarge === 0 || otherLarge + large <= (bytesMax / 4) * 3;
  }
}

/** What one body holds. */
export class BodyShare {
  readonly sender: string;
  /** Only BodyMemory changes it. */
  bytes = 0;
  readonly #memory: BodyMemory;
  #refuse: ((error: RequestError) => void) | undefined;

  constructor(memory: BodyMemory, sender: string) {
    this.#memory = memory;
    this.sender = sender;
  }

  get isReceiving(): boolean {
    return this.#refuse !== undefined;
  }

  /**
   * From now on the body may have to give way to others: `refuse` is called then, and has to free what it holds before it
   * returns.
   */
  startReceiving(refuse: (error: RequestError) => void): void {
    this.#refuse = refuse;
    this.#memory.receive(this, true);
  }

  endReceiving(): void {
    if (this.#refuse === undefined) return;
    this.#memory.receive(this, false);
    this.#refuse = undefined;
  }

  /** To be called once it was received, as it may wait long from now on. Throws RequestError. */
  checkWaiting(): void {
    this.#memory.checkShare(this, this.bytes);
  }

  giveWay(): void {
    const refuse = this.#refuse;
    this.endReceiving();
    refuse?.(gaveWay());
  }

  /** Throws RequestError when there is no room. */
  take(bytes: number): void {
    this.#memory.change(this, bytes);
  }

  give(bytes: number): void {
    this.#memory.change(this, -bytes);
  }

  /** Memory of at least `bytes`, of `bytesWanted` when it has to be allocated. */
  allocate(bytes: number, bytesWanted: number): Memory {
    return (
      this.#memory.takeIdle(this, bytes, bytesWanted) ?? {
        bytes: Buffer.allocUnsafeSlow(bytesWanted),
        prefetched: 0,
      }
    );
  }

  free(memory: Memory): void {
    this.give(memory.prefetched);
    this.#memory.giveIdle(memory);
  }
}

function overloaded(): RequestError {
  return new RequestError('overloaded', 'too many push bodies in progress; retry later');
}

function gaveWay(): RequestError {
  return new RequestError(
    'overloaded',
    'too many push bodies in progress, and this one was among the largest; retry later, faster or in smaller parts',
  );
}

function tooLargeForAll(bytesMax: number): RequestError {
  return new RequestError(
    'body_too_large',
    `the body takes more than ${bytesMax} bytes, compressed and decompressed together, which is the maximum for all bodies; push less at once, or raise --web.max-inflight-size`,
  );
}
