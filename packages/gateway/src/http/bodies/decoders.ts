/**
 * The decoders of compressed bodies that are at work at one time: bounded in number and, windows included, in bytes. Who
 * comes when all is taken waits, fairly between senders.
 */
import { RequestError } from '../../model/errors.ts';
import { FairQueue } from '../../primitives/fair-queue.ts';

interface DecoderBounds {
  readonly bytesMax: number;
  /** Each keeps one thread of the pool busy, and the journal needs some of them. */
  readonly decodersMax: number;
  /** Bodies that wait; beyond, one is refused as `overloaded`. */
  readonly waitingMax: number;
}

const DECODERS_MAX = 2;
const WAITING_MAX = 512;

interface Waiting {
  readonly bytes: number;
  readonly admit: () => void;
  readonly refuse: (error: RequestError) => void;
}

export class Decoders {
  readonly #bounds: DecoderBounds;
  readonly #waiting: FairQueue<Waiting>;
  /** Whose turn it is, when there are too few bytes for it yet. It is not overtaken. */
  #next: Waiting | undefined;
  #bytesHeld = 0;
  #count = 0;

  constructor(bounds: Pick<DecoderBounds, 'bytesMax'> & Partial<DecoderBounds>) {
    this.#bounds = { decodersMax: DECODERS_MAX, waitingMax: WAITING_MAX, ...bounds };
    this.#waiting = new FairQueue(this.#bounds.waitingMax);
  }

  /** Of the decoders at work. */
  get bytesHeld(): number {
    return this.#bytesHeld;
  }

  get count(): number {
    return this.#count;
  }

  get waiting(): number {
    return this.#waiting.size + (this.#next === undefined ? 0 : 1);
  }

  /**
   * Settles as `decode` does, which is called once there are `bytes` for it. Rejects with RequestError: `overloaded` when too many
   * wait, `unsupported_encoding` when there are never so many bytes.
   */
  async run<T>(sender: string, bytes: number, decode: () => Promise<T>): Promise<T> {
    if (bytes > this.#bounds.bytesMax) throw windowTooLarge(bytes, this.#bounds.bytesMax);
    if (this.waiting > 0 || !this.#fits(bytes)) await this.#wait(sender, bytes);
    else this.#take(bytes);
    try {
      return await decode();
    } finally {
      this.#count -= 1;
      this.#bytesHeld -= bytes;
      this.#admit();
    }
  }

  #wait(sender: string, bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = { bytes, admit: resolve, refuse: reject };
      this.#waiting.push(sender, waiting)?.refuse(tooManyWait());
    });
  }

  /** What is admitted is taken at once, so that nobody comes between. */
  #admit(): void {
    while (this.#count < this.#bounds.decodersMax) {
      this.#next ??= this.#waiting.shift();
      if (this.#next === undefined || !this.#fits(this.#next.bytes)) return;
      this.#take(this.#next.bytes);
      this.#next.admit();
      this.#next = undefined;
    }
  }

  #fits(bytes: number): boolean {
    return this.#count < this.#bounds.decodersMax && this.#bytesHeld + bytes <= this.#bounds.bytesMax;
  }

  #take(bytes: number): void {
    this.#count += 1;
    this.#bytesHeld += bytes;
  }
}

function tooManyWait(): RequestError {
  return new RequestError('overloaded', 'too many compressed bodies are waiting; retry later');
}

function windowTooLarge(bytes: number, bytesMax: number): RequestError {
  return new RequestError(
    'unsupported_encoding',
    `decompressing this body takes ${bytes} bytes of memory, and the maximum for all bodies is ${bytesMax}; compress it with a smaller window, or with gzip`,
  );
}
