/** What the one that leads has yet to append. */
import { ByteWriter } from '../primitives/byte-writer.ts';
import { deferred } from '../primitives/deferred.ts';
import type { Deferred } from '../primitives/deferred.ts';

/**
 * Records that are committed together: those of one block, or one that goes in parts. So none of them can be counted where another is not. Or what else has
 * its place between records, and none of them.
 */
export class Group {
  readonly kind: 'records' | 'mark' | 'digest';
  readonly payload: ByteWriter = new ByteWriter();
  /** The record that goes in parts. */
  long: Uint8Array | undefined;
  count = 0;
  recordBytes = 0;
  /** The log index of the last one. */
  upTo = 0;
  #waiting: Deferred | undefined;

  constructor(kind: Group['kind']) {
    this.kind = kind;
  }

  get committed(): Promise<void> {
    return (this.#waiting ??= deferred()).promise;
  }

  resolve(): void {
    this.#waiting?.resolve();
  }

  reject(error: Error): void {
    this.#waiting?.reject(error);
  }
}
