import type { TextAt } from './cells.ts';
/** Where a text becomes bytes for a look-up. */
export declare class TextScratch implements TextAt {
  #private;
  readonly start: number;
  end: number;
  hash: number;
  view: DataView;
  constructor(hashSeed: number);
  /** The text as UTF-8, with its hash; valid until the next call. */
  write(text: string): TextAt;
}
