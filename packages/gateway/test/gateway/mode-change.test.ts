/** A store that is opened in another mode than its own: what was silent and wrong is refused, and what is harmless goes on. */
import { describe, expect, test } from 'vitest';

import type { EmbeddedOptions } from '../../src/index.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import { RestartingGateway } from '../support/restarting.ts';

const counter = '# TYPE c counter\nc 5\n';
const gauge = '# TYPE g gauge\ng 2\n';
const path = 'job/a/instance/1';
const refusing = { acceptModeChange: false };

async function holding(options: EmbeddedOptions, ...bodies: readonly string[]): Promise<RestartingGateway> {
  const run = await RestartingGateway.start(options);
  for (const body of bodies) await run.gateway.push(body, { path });
  return run;
}

describe.each([false, true])('with a snapshot: %s', (isSaved) => {
  const save = async (run: RestartingGateway): Promise<void> => {
    if (isSaved) await run.takeSnapshot();
  };

  test('a by-job store in add mode: counters would double, gauges would go', async () => {
    const run = await holding({ byJob: true }, counter, gauge);
    await save(run);
    await expect(run.restart({}, refusing)).rejects.toMatchObject({
      kind: 'other_mode',
      message:
        'the store was written in by-job mode, but the gateway is now in add mode: 1 source would be forgotten, and senders of totals would add them in full with each push; 1 sample of gauges would be lost. Start with --by-job to continue as before, or with --storage.accept-mode-change to accept this; or move the directory away to start with an empty store',
    });
    await run.restart({ byJob: true }, refusing);
    await run.gateway.push(counter, { path });
    expect(await run.page(plainText)).toBe(`${counter}${gauge}`);
  });

  test('an add store in by-job mode: totals would count once more, deltas would be lost', async () => {
    const run = await holding({}, counter);
    await save(run);
    await expect(run.restart({ byJob: true }, refusing)).rejects.toThrow(
      'the store was written in add mode, but the gateway is now in by-job mode: senders of totals would add them in full once more, and each push of senders that reset would replace their previous one. Start without --by-job',
    );
  });

  test('a by-job store with other path labels: sums over both would count twice', async () => {
    const run = await holding({ byJob: true }, counter);
    await save(run);
    await expect(run.restart({ byJob: true, pathLabels: 'add' }, refusing)).rejects.toThrow(
      'the store was written with --push.path-labels=drop, but the flag is now add: 1 source would push the same values as series with different labels, and their old series would remain, so that sums over both count them twice. Start with --push.path-labels=drop',
    );
  });

  test('what was accepted is the mode from then on', async () => {
    const run = await holding({ byJob: true, pathLabels: 'add' }, counter);
    await save(run);
    await run.restart({});
    await save(run);
    await run.restart({}, refusing);
    await expect(run.restart({ byJob: true, pathLabels: 'add' }, refusing)).rejects.toThrow('in add mode');
  });
});

const harmless: readonly (readonly [string, EmbeddedOptions, EmbeddedOptions])[] = [
  ['an empty store', { byJob: true }, {}],
  ['an empty store, to by-job', {}, { byJob: true }],
  ['an empty store, with other path labels', { byJob: true }, { byJob: true, pathLabels: 'add' }],
];

test.each(harmless)('%s is refused nothing', async (_name, before, after) => {
  const run = await holding(before);
  await run.restart(after, refusing);
});

test('other path labels in add mode count nothing twice', async () => {
  const run = await holding({}, counter);
  await run.restart({ pathLabels: 'add' }, refusing);
  await run.gateway.push(counter, { path });
  expect(await run.page(plainText)).toBe('# TYPE c counter\nc 5\nc{instance="1",job="a"} 5\n');
});

test('other path labels, where no source is left, count nothing twice', async () => {
  const run = await holding({ byJob: true }, counter);
  await run.gateway.delete(path);
  await run.restart({ byJob: true, pathLabels: 'add' }, refusing);
});

test('a by-job store of which all sources were deleted is still one of by-job mode', async () => {
  const run = await holding({ byJob: true }, counter);
  await run.gateway.delete(path);
  await expect(run.restart({}, refusing)).rejects.toThrow(
    'the gateway is now in add mode: senders of totals would add',
  );
});

test('a store that does not say which path labels it has is taken as it is, and says so from then on', async () => {
  const run = await holding({ byJob: true }, counter);
  run.forgetPathLabels();
  await run.restart({ byJob: true, pathLabels: 'add' }, refusing);
  await expect(run.restart({ byJob: true }, refusing)).rejects.toThrow('with --push.path-labels=add');
});
