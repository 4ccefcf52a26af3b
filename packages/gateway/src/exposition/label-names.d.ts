/**
 * The names that were met, each under a number. From row to row they are the same in the same places nearly always, so each is looked
 * for where it was the last time, without making a string of it.
 */
export declare class LabelNames {
  #private;
  /** As they are spelled, with quotes where there are any, in Latin-1. */
  readonly spelled: string[];
  /** The number of the name that begins at `start`, of the label in the given place of its row. */
  at(bytes: Uint8Array, start: number, place: number): number;
  bytesOf(number: number): number;
  /** Looks at the labels from `start` to `end`; whether one of them has a name that is spelled so. */
  meet(bytes: Uint8Array, start: number, end: number, spelled?: string): boolean;
}
/** Behind the value whose equals sign is given, at the comma if another label follows. */
export declare function valueEnd(bytes: Uint8Array, equals: number): number;
