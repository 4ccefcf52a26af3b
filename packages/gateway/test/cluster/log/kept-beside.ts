/** Of what every shared log promises, what is not about appending and reading blocks: snapshots, trimming and members. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';

import { LogBroken, LogTrimmed, LogUnavailable } from '../../../src/cluster/log/shared-log.ts';
import { eventually } from '../../support/eventually.ts';
import {
  appendAll,
  bytesOf,
  closing,
  collected,
  firstOf,
  membersOf,
  partsOf,
  QUIET_MS,
  randomBytes,
  reused,
  shown,
  textOf,
  textsOf,
} from './members.ts';
import type { Open } from './members.ts';

export function keptBeside(name: string, fresh: () => Promise<Open>): void {
  const logs = membersOf(fresh);

  describe(`${name}: snapshots`, () => {
    test('one is given back in its parts, whatever their lengths', async () => {
      const [one, two] = await logs(2);
      const max = one.blockBytesMax;
      const sizes = [3, 0, max, max + 1, 0, 0, Math.ceil(max * 2.5), 1, max - 1, 0];
      const parts = sizes.map((size, i) => randomBytes(size, i));
      await one.putSnapshot(7, reused(parts));
      expect(await two.snapshots()).toEqual([7]);
      const read = await collected(two.getSnapshot(7));
      expect(read.map(({ length }) => length)).toEqual(sizes);
      for (const [at, part] of parts.entries()) expect(Buffer.compare(read[at]!, part)).toBe(0);
    });

    test('one may have hundreds of parts, one, and none', async () => {
      const [log] = await logs(1);
      const parts = Array.from({ length: 700 }, (_, i) => randomBytes((i * 37) % 1000, i));
      await log.putSnapshot(1, reused(parts));
      await log.putSnapshot(2, partsOf(['one']));
      await log.putSnapshot(3, partsOf([]));
      expect(await log.snapshots()).toEqual([3, 2, 1]);
      const read = await collected(log.getSnapshot(1));
      expect(read).toHaveLength(700);
      for (const [at, part] of parts.entries()) expect(Buffer.compare(read[at]!, part)).toBe(0);
      expect((await collected(log.getSnapshot(2))).map(textOf)).toEqual(['one']);
      expect(await collected(log.getSnapshot(3))).toEqual([]);
    });

    test('the newest is listed first, and it may be put again', async () => {
      const [one, two] = await logs(2);
      for (const number of [5, 100, 20]) await one.putSnapshot(number, partsOf([`state ${number}`]));
      await two.putSnapshot(20, partsOf(['state 20']));
      expect(await two.snapshots()).toEqual([100, 20, 5]);
      expect((await collected(two.getSnapshot(20))).map(textOf)).toEqual(['state 20']);
    });

    test('one that is cut short by an error is never listed, and others stay', async () => {
      const [one, two] = await logs(2);
      await one.putSnapshot(1, partsOf(['whole']));
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield bytesOf('first');
        yield randomBytes(one.blockBytesMax * 2, 1);
        expect(await two.snapshots()).toEqual([1]);
        throw new Error('cut');
      };
      await expect(one.putSnapshot(2, failing())).rejects.toThrow('cut');
      await expect(one.putSnapshot(1, failing())).rejects.toThrow('cut');
      await sleep(QUIET_MS);
      for (const log of [one, two]) expect(await log.snapshots()).toEqual([1]);
      expect((await collected(two.getSnapshot(1))).map(textOf)).toEqual(['whole']);
      await one.putSnapshot(2, partsOf(['again']));
      expect((await collected(two.getSnapshot(2))).map(textOf)).toEqual(['again']);
    });

    test('parts are asked for one at a time, and what is under way is not listed', async () => {
      const [log, other] = await logs(2);
      let asked = 0;
      const slow = async function* (): AsyncGenerator<Uint8Array> {
        for (; asked < 5; asked += 1) {
          await sleep(20);
          expect(await other.snapshots()).toEqual([]);
          yield bytesOf(`part ${asked}`);
        }
      };
      await Promise.all([log.putSnapshot(3, slow()), appendAll(log, ['a', 'b'])]);
      expect(asked).toBe(5);
      expect(await other.snapshots()).toEqual([3]);
      expect(await collected(other.getSnapshot(3))).toHaveLength(5);
    });

    test('several may be written and read at once', async () => {
      const members = await logs(3);
      const parts = (by: number): readonly Uint8Array[] =>
        Array.from({ length: 20 }, (_, i) => randomBytes(1000 * by + i, by * 100 + i));
      await Promise.all(members.map((log, i) => log.putSnapshot(i + 1, reused(parts(i)))));
      const read = await Promise.all(members.map((log, i) => collected(log.getSnapshot(((i + 1) % 3) + 1))));
      for (const [i, each] of read.entries())
        expect(Buffer.compare(Buffer.concat(each), Buffer.concat(parts((i + 1) % 3)))).toBe(0);
    });

    test('one that is not there, and one that is not read to its end', async () => {
      const [log] = await logs(1);
      await log.putSnapshot(4, reused(Array.from({ length: 30 }, (_, i) => randomBytes(100_000, i))));
      const error = await collected(log.getSnapshot(5)).catch((reason: unknown) => reason);
      expect(error instanceof LogTrimmed || error instanceof LogBroken).toBe(true);
      for (let i = 0; i < 20; i += 1) for await (const part of log.getSnapshot(4)) if (part.length > 0) break;
      expect(await collected(log.getSnapshot(4))).toHaveLength(30);
    });
  });

  describe(`${name}: trimming`, () => {
    test('lets old blocks and snapshots go, and nothing that is needed', async () => {
      const [one, two] = await logs(2);
      const texts = Array.from({ length: 60 }, (_, i) => `block ${i + 1}`);
      await appendAll(one, texts);
      for (const number of [20, 30, 50]) await one.putSnapshot(number, partsOf([`state ${number}`]));
      await one.trim(30);
      for (const log of [one, two]) {
        expect(await log.snapshots()).toEqual([50, 30]);
        expect(await log.end()).toBe(60);
        expect((await firstOf(log, 30, 30)).map(shown)).toEqual(
          texts.slice(30).map((text, i) => `${i + 31} ${text}`),
        );
        await expect(firstOf(log, 0, 1)).rejects.toThrow(LogTrimmed);
        expect(await log.append(0, bytesOf('again'))).toBe('overtaken');
        expect(await log.append(29, bytesOf('again'))).toBe('overtaken');
      }
      expect((await collected(two.getSnapshot(30))).map(textOf)).toEqual(['state 30']);
      const error = await collected(two.getSnapshot(20)).catch((reason: unknown) => reason);
      expect(error instanceof LogTrimmed || error instanceof LogBroken).toBe(true);
      // That is gone already; and the rest of it goes as far as it may.
      await two.trim(3);
      expect(await textsOf(one, 59, 1)).toEqual(['60 block 60']);
    });

    test('of a log that is trimmed to its end the end is known, by all and later', async () => {
      const open = closing(await fresh());
      const [one, two] = [await open(), await open()];
      await appendAll(
        one,
        Array.from({ length: 48 }, (_, i) => `block ${i + 1}`),
      );
      await one.putSnapshot(48, partsOf(['state']));
      await one.trim(48);
      const waiting = firstOf(two, 48, 2);
      for (const log of [one, two, await open()]) {
        expect(await log.end()).toBe(48);
        for (const after of [0, 1, 46, 47, 49])
          expect(await log.append(after, bytesOf('x'))).toBe('overtaken');
        await expect(firstOf(log, 0, 1)).rejects.toThrow(LogTrimmed);
      }
      await one.trim(48);
      expect(await two.append(48, bytesOf('more'))).toBe('appended');
      expect(await (await open()).append(49, bytesOf('and more'))).toBe('appended');
      expect((await waiting).map(shown)).toEqual(['49 more', '50 and more']);
    });

    test('what was asked beyond the end goes to the end', async () => {
      const [log] = await logs(1);
      await log.trim(5);
      expect(await log.end()).toBe(0);
      await appendAll(log, ['a', 'b', 'c']);
      await log.trim(1_000_000);
      expect(await log.end()).toBe(3);
      expect(await log.append(3, bytesOf('d'))).toBe('appended');
      expect(await textsOf(log, 3, 1)).toEqual(['4 d']);
    });

    test('goes on beside appends and tails, which see no hole', async () => {
      const [one, two, three] = await logs(3);
      const count = 150;
      const writing = async (): Promise<void> => {
        for (let after = 0; after < count; after += 1) {
          const outcome = await one.append(after, bytesOf(`block ${after + 1}`));
          expect(outcome).toBe('appended');
        }
      };
      let isDone = false;
      const trimming = async (): Promise<void> => {
        while (!isDone) {
          await two
            .trim((await two.end()) - 20)
            .catch((error: unknown) => expect(error).toBeInstanceOf(LogUnavailable));
          await sleep(5);
        }
      };
      // It may fall behind, and says so then.
      const reading = async (): Promise<void> => {
        for (let next = 1; next <= count;) {
          try {
            for (const { number } of await firstOf(three, next - 1, 1)) {
              expect(number).toBe(next);
              next += 1;
            }
          } catch (error) {
            expect(error).toBeInstanceOf(LogTrimmed);
            next = await three.end();
          }
        }
      };
      await Promise.all([writing().finally(() => (isDone = true)), trimming(), reading()]);
      expect(await three.end()).toBe(count);
    });
  });

  describe(`${name}: members`, () => {
    test('each says one thing at a time, to all', async () => {
      const [one, two] = await logs(2);
      const said = JSON.stringify({ url: 'https://ä.example/"\'\\', note: '\u{1f600} '.repeat(200) });
      await one.members.put('pod-0', 'first');
      await one.members.put('pod-0', said);
      await two.members.put('pod-1.example:9091/ä "x"', '');
      const list = [...(await one.members.list())].sort((a, b) => (a.name < b.name ? -1 : 1));
      expect(list.map((each) => [each.name, each.said])).toEqual([
        ['pod-0', said],
        ['pod-1.example:9091/ä "x"', ''],
      ]);
      for (const { ageMs } of list) {
        expect(ageMs).toBeGreaterThanOrEqual(0);
        expect(ageMs).toBeLessThan(600_000);
      }
    });

    test('what was said gets older, until it is said again', async () => {
      const [one, two] = await logs(2);
      const ageMs = async (): Promise<number> => (await two.members.list())[0]!.ageMs;
      await one.members.put('one', 'here');
      const old = await eventually('it to be older', async () => {
        const age = await ageMs();
        return age >= 300 && age;
      });
      await one.members.put('one', 'here');
      expect(await ageMs()).toBeLessThan(old + 600_000);
      await eventually('it to be new', async () => {
        await one.members.put('one', 'here');
        return (await ageMs()) < old;
      });
    });

    test('it is no part of the log', async () => {
      const [one, two] = await logs(2);
      await Promise.all([
        ...Array.from({ length: 20 }, (_, i) => one.members.put(`member ${i % 5}`, `said ${i}`)),
        appendAll(two, ['a', 'b', 'c']),
      ]);
      expect(await one.end()).toBe(3);
      expect(await one.members.list()).toHaveLength(5);
      expect(await textsOf(one, 0, 3)).toEqual(['1 a', '2 b', '3 c']);
    });
  });
}
