/** A list of numbers of 32 bits, four bytes each, whatever their number. */
export declare class NumberList {
  #private;
  length: number;
  at(index: number): number;
  push(number: number): void;
  pop(): number | undefined;
  clear(): void;
  /** The numbers from one place to another, not copied: they hold as long as the list is only added to. */
  between(from: number, to: number): Uint32Array;
  /** A list of its own with the numbers from a place on. */
  after(from: number): NumberList;
  [Symbol.iterator](): Generator<number, void>;
}
