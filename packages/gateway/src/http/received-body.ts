/**
 * One body on its way in. Chunks are put together as they come: what is copied was written just now and lies in the cache, and
 * chunks die young. Kept to the end of the body they would count as old memory outside of the heap, and the garbage
 * collector would go over all of the heap every few hundred large bodies.
 *
 * A sender who announces much and sends little takes nothing from others: beyond what came a buffer has at most as much again
 * (which was never touched, so that it is only addresses), but for the few that are kept for further use.
 */
import { RequestError } from '../model/errors.ts';

export interface BodyLimits {
  readonly bodyBytesMax: number;
  readonly bodiesBytesMax: number;
}

const noBytes = new Uint8Array(0);

/** What waits to be used again: so many buffers, none larger than this. */
const IDLE_BUFFERS_MAX = 4;
const IDLE_BUFFER_BYTES_MAX = 4 << 20;

/** Fresh memory for each large body costs the system calls and page faults of it, and garbage collections. */
class BufferPool {
  readonly #idle: Buffer[] = [];

  /** A buffer with anything in it: an idle one of at least `bytes`, or a new one of `bytesIfNew`. */
  take(bytes: number, bytesIfNew: number): Buffer {
    const found = this.#idle.findIndex((buffer) => buffer.length >= bytes);
    const [buffer] = found === -1 ? [] : this.#idle.splice(found, 1);
    return buffer ?? Buffer.allocUnsafeSlow(bytesIfNew);
  }

  /** Nobody may hold the buffer any more. The largest are kept, and come first. */
  give(buffer: Buffer): void {
    if (buffer.length > IDLE_BUFFER_BYTES_MAX) return;
    this.#idle.push(buffer);
    this.#idle.sort((a, b) => b.length - a.length);
    if (this.#idle.length > IDLE_BUFFERS_MAX) this.#idle.length = IDLE_BUFFERS_MAX;
  }
}

/** What all bodies being received or used share. */
export class BodyBudget {
  readonly limits: BodyLimits;
  readonly buffers: BufferPool = new BufferPool();
  /** Of all bodies. */
  bytesHeld = 0;

  constructor(limits: BodyLimits) {
    this.limits = limits;
  }
}

/** Counts against the budget until `release`. */
export class ReceivedBody {
  /** All of the body once `finish` was called; valid until `release`. */
  bytes: Uint8Array = noBytes;
  readonly #budget: BodyBudget;
  readonly #announced: number;
  #buffer: Buffer | undefined;
  #length = 0;
  #bytesTaken = 0;

  /** `announced` is the length that the sender claims, or Infinity. */
  constructor(budget: BodyBudget, announced: number) {
    this.#budget = budget;
    this.#announced = announced;
  }

  /** Takes a part of the shared budget; throws RequestError `overloaded`. */
  take(bytes: number): void {
    const budget = this.#budget;
    if (budget.bytesHeld + bytes > budget.limits.bodiesBytesMax) throw overloaded();
    this.#bytesTaken += bytes;
    budget.bytesHeld += bytes;
  }

  /** The next chunk. Throws RequestError. A body that comes in one chunk is not copied. */
  add(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    const { bodyBytesMax } = this.#budget.limits;
    if (length > bodyBytesMax) throw bodyTooLarge(bodyBytesMax);
    this.take(chunk.length);
    if (this.#length === 0) this.bytes = chunk;
    else this.#bufferFor(length).set(chunk, this.#length);
    this.#length = length;
  }

  /** No more chunks come. */
  finish(): void {
    if (this.#buffer !== undefined) this.bytes = this.#buffer.subarray(0, this.#length);
  }

  /** Gives back what the body took. */
  release(): void {
    this.#budget.bytesHeld -= this.#bytesTaken;
    this.#bytesTaken = 0;
    if (this.#buffer !== undefined) this.#budget.buffers.give(this.#buffer);
    this.#buffer = undefined;
    this.bytes = noBytes;
  }

  /** The buffer, large enough for so many bytes, with what came so far. */
  #bufferFor(length: number): Buffer {
    const buffer = this.#buffer;
    if (buffer !== undefined && buffer.length >= length) return buffer;
    const { buffers } = this.#budget;
    const announced = Math.max(length, this.#announced);
    const larger = buffers.take(length, Math.min(2 * length, announced));
    if (buffer === undefined) {
      larger.set(this.bytes);
      this.bytes = noBytes;
    } else {
      buffer.copy(larger, 0, 0, this.#length);
      buffers.give(buffer);
    }
    this.#buffer = larger;
    return larger;
  }
}

export function bodyTooLarge(bytesMax: number): RequestError {
  return new RequestError(
    'body_too_large',
    `the body is larger than ${bytesMax} bytes, as sent or decompressed; push less at a time, or raise --web.max-body-size`,
  );
}

export function overloaded(): RequestError {
  return new RequestError(
    'overloaded',
    'too many bodies are being received at once; send this push again a little later',
  );
}
