/**
 * What is said in the list of members beside the log where that has lost its last blocks: each member that has read more says so, again and again, and
 * an operator names the one to go on from. Nothing rests on it: what becomes of the log is decided by who appends to it.
 */
import type { MemberList } from './log/shared-log.ts';

/** Older ones are of members that are gone, or no longer ahead. */
const FRESH_MS = 10_000;
const AHEAD = 'ahead ';
const ORDER = 'refound';

/** A member that has read more than the log has. Hashes and the log are in hexadecimal. */
export interface Ahead {
  readonly name: string;
  readonly url: string;
  readonly log: string;
  readonly term: number;
  /** The last block that it has read or appended. */
  readonly block: number;
  readonly hash: string;
  /** Whether it led, so that its senders are still waiting. */
  readonly led: boolean;
  /** Where the log ends now. */
  readonly end: number;
}

/** That the member goes on with what it had at the block, after the log's last one. */
export type Order = Pick<Ahead, 'name' | 'block' | 'hash' | 'end'>;

interface Said {
  /** The most advanced first. */
  readonly ahead: readonly Ahead[];
  readonly order: Order | undefined;
}

export async function readSaid(members: MemberList): Promise<Said> {
  const ahead: Ahead[] = [];
  let order: Order | undefined;
  for (const { name, said, ageMs } of await members.list()) {
    if (ageMs > FRESH_MS) continue;
    if (name === ORDER) order = parsed(said, isOrder);
    const one = name.startsWith(AHEAD) ? parsed(said, isAhead) : undefined;
    if (one !== undefined) ahead.push(one);
  }
  return { ahead: ahead.toSorted(byAdvance), order };
}

export function sayAhead(members: MemberList, ahead: Ahead): Promise<void> {
  return members.put(`${AHEAD}${ahead.name}`, JSON.stringify(ahead));
}

/** It is not ahead any more. */
export function takeBackAhead(members: MemberList, name: string): Promise<void> {
  return members.put(`${AHEAD}${name}`, '');
}

export function sayOrder(members: MemberList, order: Order | undefined): Promise<void> {
  return members.put(ORDER, order === undefined ? '' : JSON.stringify(order));
}

/** Who led comes first among equals, as its senders may be waiting yet. */
function byAdvance(a: Ahead, b: Ahead): number {
  return b.term - a.term || b.block - a.block || Number(b.led) - Number(a.led) || (a.name < b.name ? -1 : 1);
}

function parsed<T>(said: string, is: (value: Partial<Ahead>) => value is Partial<Ahead> & T): T | undefined {
  try {
    const value: unknown = JSON.parse(said);
    return typeof value === 'object' && value !== null && is(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isOrder(value: Partial<Ahead>): value is Partial<Ahead> & Order {
  return (
    typeof value.name === 'string' &&
    typeof value.hash === 'string' &&
    Number.isSafeInteger(value.block) &&
    Number.isSafeInteger(value.end)
  );
}

function isAhead(value: Partial<Ahead>): value is Ahead {
  return (
    isOrder(value) &&
    typeof value.url === 'string' &&
    typeof value.log === 'string' &&
    Number.isSafeInteger(value.term) &&
    typeof value.led === 'boolean'
  );
}
