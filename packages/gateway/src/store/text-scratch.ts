import { hashBytes } from '../primitives/hash.ts';
import type { TextAt } from './accumulators.ts';

/** Where a text becomes bytes for a look-up. */
export class TextScratch implements TextAt {
  readonly start: number = 0;
  end = 0;
  hash = 0;
  view: DataView = new DataView(new ArrayBuffer(0));
  readonly #seed: number;
  #buffer = Buffer.alloc(0);

  constructor(hashSeed: number) {
    this.#seed = hashSeed;
    this.#reserve(1024);
  }

  /** The text as UTF-8, with its hash; valid until the next call. */
  write(text: string): TextAt {
    this.#reserve(text.length * 3);
    this.end = this.#buffer.write(text, 'utf8');
    this.hash = hashBytes(this.#seed, this.view, 0, this.end);
    return this;
  }

  #reserve(length: number): void {
    if (length <= this.#buffer.length) return;
    this.#buffer = Buffer.alloc(length);
    this.view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, this.#buffer.length);
  }
}
