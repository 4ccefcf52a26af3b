/**
 * What may be in the log, by levels. A version reads all up to its own, and writes what all members read (roll.ts). So a version that writes what earlier
 * ones cannot read raises LOG_LEVEL and says here from which level on: of a new kind of records below, of a new kind of blocks, or another form
 * of one, in block.ts by the level of its head. Until all members read it, the new version goes on as the one before.
 */

/** Of the first version. */
export const LOWEST_LEVEL = 1;
/** All that this version reads. */
export const LOG_LEVEL = 1;

/** Kinds of records, by RecordCode, and from which level on they may be written; those that are not named may be from the first. */
const recordLevels: Readonly<Partial<Record<number, number>>> = {};

/** Which levels a member reads, and writes. */
export interface Levels {
  readonly read: number;
  /** What all members read; undefined while that is not known. */
  readonly agreed: number | undefined;
  /** From which level on records of a kind may be written. */
  readonly ofRecord: (code: number) => number;
}

/** Of a member that knows of no other: it writes what is in the log already. */
export const ownLevels: Levels = { read: LOG_LEVEL, agreed: undefined, ofRecord: levelOfRecord };

export function levelOfRecord(code: number): number {
  return recordLevels[code] ?? LOWEST_LEVEL;
}

/** That of the next block. It never falls: who does not read what is there cannot join any more. */
export function levelAfter(written: number, { read, agreed = written }: Levels): number {
  return Math.max(written, Math.min(read, agreed));
}

/** What is wrong with a level, for a version that reads so many. */
export function problemOfLevel(level: number, read: number): string | undefined {
  if (level >= LOWEST_LEVEL && level <= read) return undefined;
  return `is of level ${level}, and this version reads levels up to ${read}: update this member`;
}
