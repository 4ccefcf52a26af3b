/**
 * The memory of all bodies, under one budget. What counts is what was written to, as memory that was only allocated takes
 * none: a body that announces much and sends little takes little.
 *
 * When the budget is used up, what waits to be used again goes first, then bodies that are still being received and hold most
 * (`Receiving`), so that slow and large bodies cannot keep out others. Bodies that are larger than `smallBytesMax` leave a quarter
 * to those that are not.
 */
import { RequestError } from '../model/errors.ts';
import { Receiving } from './receiving.ts';

export interface BodyMemoryBounds {
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

/** What an allocation holds: its bytes up to `touched` were written to, and are real. */
export interface Memory {
  readonly bytes: Buffer;
  touched: number;
}

export class BodyMemory {
  readonly #bounds: BodyMemoryBounds;
  readonly #receiving = new Receiving<BodyShare>();
  readonly #idle: Memory[] = [];
  #bytesHeld = 0;
  #bytesIdle = 0;
  /** Of bodies that are not small. */
  #bytesLarge = 0;

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
    if (bytes > 0) this.#makeRoom(share, bytes);
    const before = share.bytes;
    const after = before + bytes;
    share.bytes = after;
    this.#bytesHeld += bytes;
    this.#bytesLarge += this.#large(after) - this.#large(before);
    if (share.isReceiving) this.#receiving.move(share, before, after);
  }

  /** The share begins or ends to be received. */
  receive(share: BodyShare, isReceiving: boolean): void {
    this.#receiving.move(share, isReceiving ? 0 : share.bytes, isReceiving ? share.bytes : 0);
  }

  /** Idle memory of at least `bytes`, which counts for the share from now on. */
  takeIdle(share: BodyShare, bytes: number, bytesWanted: number): Memory | undefined {
    const found = this.#idle.findIndex(
      (memory) =>
        memory.bytes.length >= bytes &&
        memory.bytes.length <= REUSED_TIMES_MAX * bytesWanted &&
        this.#fits(share, share.bytes + memory.touched),
    );
    if (found === -1) return undefined;
    const [memory] = this.#idle.splice(found, 1);
    this.#bytesIdle -= memory!.touched;
    this.change(share, memory!.touched);
    return memory;
  }

  /** Nobody may hold it any more. */
  giveIdle(memory: Memory): void {
    if (memory.bytes.length < REUSED_BYTES_MIN) return;
    const { bytesMax } = this.#bounds;
    const bytesIdle = this.#bytesIdle + memory.touched;
    if (bytesIdle > Math.min(IDLE_BYTES_MAX, bytesMax * IDLE_PART)) return;
    if (this.#bytesHeld + bytesIdle > bytesMax) return;
    this.#idle.push(memory);
    this.#idle.sort((a, b) => a.bytes.length - b.bytes.length);
    this.#bytesIdle = bytesIdle;
  }

  #large(bytes: number): number {
    return bytes > this.#bounds.smallBytesMax ? bytes : 0;
  }

  #makeRoom(share: BodyShare, more: number): void {
    const { bytesMax } = this.#bounds;
    const bytes = share.bytes + more;
    if (bytes > bytesMax) throw tooLargeForAll(bytesMax);
    while (!this.#fits(share, bytes)) {
      const isFull = this.#bytesHeld + more > bytesMax;
      const victim = this.#receiving.toGoFor(share, bytes);
      // A small one makes no room in what is kept from large ones.
      if (victim === undefined || (!isFull && this.#large(victim.bytes) === 0)) throw overloaded();
      victim.giveWay();
    }
    while (this.#bytesHeld + this.#bytesIdle + more > bytesMax) this.#bytesIdle -= this.#idle.pop()!.touched;
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
        touched: 0,
      }
    );
  }

  free(memory: Memory): void {
    this.give(memory.touched);
    this.#memory.giveIdle(memory);
  }
}

function overloaded(): RequestError {
  return new RequestError(
    'overloaded',
    'too many bodies are being received at once; send this push again a little later',
  );
}

function gaveWay(): RequestError {
  return new RequestError(
    'overloaded',
    'too many bodies are being received at once, and this one, of those that hold most, gave way; send it again a little later, faster or in smaller parts',
  );
}

function tooLargeForAll(bytesMax: number): RequestError {
  return new RequestError(
    'body_too_large',
    `the body takes more than ${bytesMax} bytes as sent and decompressed together, which is all that bodies may take; push less at a time, or raise --web.max-inflight-size`,
  );
}
