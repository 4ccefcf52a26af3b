/** What the suite for shared logs has from several. */
import { expect, onTestFinished } from 'vitest';

import type { LogBlock, SharedLog } from '../../../src/cluster/log/shared-log.ts';
import { Random } from '../../support/random.ts';

/** So long nothing has to happen, to believe that nothing will. */
export const QUIET_MS = 200;

/** Opens one log: each call another member of the cluster. */
export type Open = () => Promise<SharedLog>;

interface Members {
  (count: 1): Promise<[SharedLog]>;
  (count: 2): Promise<[SharedLog, SharedLog]>;
  (count: 3): Promise<[SharedLog, SharedLog, SharedLog]>;
}

/** Opens so many members of a new log, which are closed when the test ends. */
export function membersOf(fresh: () => Promise<Open>): Members {
  return (async (count: number) => {
    const open = closing(await fresh());
    const opened: SharedLog[] = [];
    for (let i = 0; i < count; i += 1) opened.push(await open());
    return opened;
  }) as Members;
}

export function closing(open: Open): Open {
  return async () => {
    const log = await open();
    onTestFinished(() => log.close());
    return log;
  };
}

export async function appendAll(log: SharedLog, texts: readonly string[]): Promise<void> {
  const end = await log.end();
  for (const [at, text] of texts.entries())
    expect(await log.append(end + at, bytesOf(text))).toBe('appended');
}

export async function firstOf(
  log: SharedLog,
  after: number,
  count: number,
  onBlock: (number: number) => Promise<void> = async () => {},
): Promise<readonly LogBlock[]> {
  const blocks: LogBlock[] = [];
  if (count === 0) return blocks;
  const over = new AbortController();
  onTestFinished(() => over.abort());
  for await (const block of log.tail(after, over.signal)) {
    expect(block.number).toBe(after + blocks.length + 1);
    blocks.push(block);
    await onBlock(block.number);
    if (blocks.length === count) return blocks;
  }
  throw new Error(`the tail ended after ${blocks.length} of ${count} blocks`);
}

export async function textsOf(log: SharedLog, after: number, count: number): Promise<readonly string[]> {
  return (await firstOf(log, after, count)).map(shown);
}

export function shown({ number, bytes }: LogBlock): string {
  return `${number} ${textOf(bytes)}`;
}

export async function collected<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function* partsOf(texts: readonly string[]): AsyncGenerator<Uint8Array, void> {
  yield* texts.map(bytesOf);
}

/** All in one buffer, which changes as soon as the next is asked for. */
export async function* reused(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  const buffer = new Uint8Array(Math.max(...parts.map(({ length }) => length)));
  for (const part of parts) {
    buffer.set(part);
    yield buffer.subarray(0, part.length);
    buffer.fill(0xaa);
  }
}

export function randomBytes(length: number, seed: number): Uint8Array {
  const random = new Random(seed);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) bytes[at] = random.below(256);
  return bytes;
}

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
