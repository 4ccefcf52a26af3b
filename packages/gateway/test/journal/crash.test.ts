/**
 * Power failures and kills at any moment, one after another: what was called safe is there, in order, and nothing that was not
 * appended. What a start has read, and may have shown, outlives a power failure, however it was synced.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { openFileJournal } from '../../src/journal/file-journal.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { chanceOf, CrashDisk, type Chance } from './crash-disk.ts';
import { appendEach, contentsOf, optionsFor, partsOf, recoverContents, temporaryFolder } from './helpers.ts';
import { runs } from '../support/runs.ts';

type Step =
  | { readonly kind: 'append'; readonly count: number; readonly bytes: number }
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'turns'; readonly count: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 8 }),
      bytes: fc.integer({ min: 0, max: 3000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('snapshot' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 6 }) }),
  },
);

type End = 'power' | 'kill';

const life = fc.record({
  steps: fc.array(step, { maxLength: 40 }),
  seed: fc.nat(),
  end: fc.constantFrom<End>('power', 'kill'),
});

/** What was appended, by position, as far as it is known to be the truth. */
type Model = string[];

function textOf(logIndex: number, bytes: number): string {
  return `${logIndex}:${'x'.repeat(bytes)}`;
}

/** Does the steps in the journal and the model; snapshots go on beside other steps. */
async function live(journal: Journal, steps: readonly Step[], model: Model): Promise<void> {
  let snapshot: Promise<unknown> | undefined;
  for (const one of steps) {
    switch (one.kind) {
      case 'append':
        for (let i = 0; i < one.count; i += 1) {
          const text = textOf(model.length + 1, one.bytes);
          const made = await journal.waitForSpace(text.length).then(
            () => true,
            () => false,
          );
          if (!made) break;
          expect(journal.append(Buffer.from(text))).toBe(model.push(text));
        }
        break;
      case 'snapshot':
        snapshot ??= journal
          .snapshot(journal.logIndex, partsOf(`state at ${journal.logIndex}`, 's'.repeat(5000)))
          .catch(() => {})
          .finally(() => (snapshot = undefined));
        break;
      case 'wait':
        await journal.whenCommitted(journal.logIndex);
        break;
      case 'turns':
        for (let i = 0; i < one.count; i += 1) await nextTurn();
        break;
    }
  }
}

function open(path: string, sync: 'commit' | 'interval', files: CrashDisk): Promise<Journal> {
  return openFileJournal(optionsFor(path, { sync, syncIntervalMs: 1, bytesMax: 256 * 1024, files }));
}

/** Recovers and compares with the model, which is cut to what is there. */
async function check(journal: Journal, model: Model, safe: number): Promise<void> {
  const { snapshot, records } = await recoverContents(journal);
  const covered = snapshot?.logIndex ?? 0;
  if (snapshot !== undefined) expect(snapshot.parts[0]).toBe(`state at ${covered}`);
  expect(journal.logIndex).toBe(covered + records.size);
  expect(journal.logIndex).toBeGreaterThanOrEqual(safe);
  expect(journal.logIndex).toBeLessThanOrEqual(model.length);
  expect([...records.values()]).toEqual(model.slice(covered, journal.logIndex));
  model.length = journal.logIndex;
}

async function survive(
  sync: 'commit' | 'interval',
  lives: readonly { readonly steps: readonly Step[]; readonly seed: number; readonly end: End }[],
): Promise<void> {
  const path = temporaryFolder();
  const model: Model = [];
  let disk = new CrashDisk();
  let safe = 0;
  for (const { steps, seed, end } of lives) {
    const chance: Chance = chanceOf(seed);
    const journal = await open(path, sync, disk);
    try {
      await check(journal, model, safe);
      const read = journal.logIndex;
      await live(journal, steps, model);
      // With `interval`, safe means safe from the end of the process only, but for what the start has read.
      safe = sync === 'commit' || end === 'kill' ? journal.committedLogIndex : read;
      disk = end === 'kill' ? disk.killed() : disk.crashed(chance);
    } finally {
      await journal.close();
    }
  }
  const journal = await open(path, sync, disk);
  await check(journal, model, safe);
  await journal.close();
}

test.each(['commit', 'interval'] as const)('sync: %s', async (sync) => {
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), (lives) => survive(sync, lives)),
    { numRuns: runs(100) },
  );
});

test('interval: killed, started again and read, it loses nothing of that to a power failure right after', async () => {
  const path = temporaryFolder();
  const disk = new CrashDisk();
  const interval = { sync: 'interval', syncIntervalMs: 3_600_000 } as const;
  const first = await openFileJournal(optionsFor(path, { ...interval, files: disk }));
  await recoverContents(first);
  await appendEach(first, ['one', 'two']);
  const left = disk.killed();
  // Nothing has reached the disk so far.
  const nothing: Chance = () => 0;
  expect(await recordsOn(left.crashed(nothing))).toEqual([]);
  await first.close();
  const second = await openFileJournal(optionsFor(path, { ...interval, files: left }));
  expect([...(await recoverContents(second)).records.values()]).toEqual(['one', 'two']);
  const after = left.crashed(nothing);
  await second.close();
  expect(await recordsOn(after)).toEqual(['one', 'two']);
});

test('a store that was just copied there is safe once a start has read it', async () => {
  const source = new CrashDisk();
  const path = temporaryFolder();
  const small = { bytesMax: 256 * 1024 } as const;
  const first = await openFileJournal(optionsFor(path, { ...small, files: source }));
  await recoverContents(first);
  for (let i = 0; i < 12; i += 1) await appendEach(first, ['x'.repeat(3000)]);
  await first.snapshot(3, partsOf('state'));
  await first.close();
  const copy = new CrashDisk();
  for (const [name, bytes] of source.contents()) {
    const file = await copy.open(name, 'create');
    await file.write(bytes, 0);
  }
  const nothing: Chance = () => 0;
  expect(copy.crashed(nothing).contents().size).toBe(0);
  const second = await openFileJournal(optionsFor(path, { ...small, files: copy }));
  const { snapshot, records } = await recoverContents(second);
  expect([snapshot?.logIndex, records.size]).toEqual([3, 9]);
  const after = copy.crashed(nothing);
  await second.close();
  expect(await contentsOf(temporaryFolder(), { files: after })).toMatchObject({ snapshot, records });
});

async function recordsOn(files: CrashDisk): Promise<readonly string[]> {
  return [...(await contentsOf(temporaryFolder(), { files })).records.values()];
}
