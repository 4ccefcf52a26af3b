/** The rules in force are the log's last: what members with different files go by, whoever leads. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parsePushPath } from '../../src/http/routes/push-path.ts';
import { runs } from '../support/runs.ts';
import { FileCluster, LEASE_MS } from './file-members.ts';
import type { FileMember } from './file-members.ts';

const shows = (gauge: string): string => `metrics:\n  - match: g\n    gauge: ${gauge}\n`;
const entry = (gauge: string): string => `{match: g, gauge: ${gauge}}`;

const rulesOf = async (member: FileMember): Promise<readonly string[]> => (await member.rules()).rules;

/** Two with one file, of which the first leads. */
async function pair(file: string | undefined, other = file): Promise<[FileCluster, FileMember, FileMember]> {
  const cluster = new FileCluster();
  const a = await cluster.start('a', { file });
  await cluster.untilLeads(a);
  const b = await cluster.start('b', { file: other });
  await cluster.untilRead([b]);
  expect([a.leads, b.leads]).toEqual([true, false]);
  return [cluster, a, b];
}

test('a file that is rolled out is applied when a member that has it leads, and is not taken back when leadership moves on', async () => {
  const [cluster, a, oldB] = await pair(shows('max'));
  expect([a.differs, oldB.differs]).toEqual([false, false]);
  expect(await rulesOf(a)).toEqual([entry('max')]);
  await a.push('# TYPE g gauge\ng 5\n');
  // The standby first.
  oldB.kill();
  const b = await cluster.start('b', { file: shows('min') });
  await cluster.untilRead([b]);
  expect([a.differs, b.differs]).toEqual([false, true]);
  expect(await rulesOf(a)).toEqual([entry('max')]);
  await a.stop();
  await cluster.untilLeads(b);
  expect(b.leads).toBe(true);
  expect([await b.rules(), b.differs]).toEqual([{ file: expect.any(String), rules: [entry('min')] }, false]);
  // The other one is back with the file of before, as its rollout failed.
  const again = await cluster.start('a', { file: shows('max') });
  await cluster.untilRead([again]);
  expect([again.differs, b.differs]).toEqual([true, false]);
  b.kill();
  await cluster.untilLeads(again);
  expect(again.leads).toBe(true);
  expect(await again.rules()).toEqual({ file: null, rules: [entry('min')] });
  expect([again.differs, again.logged('warn', 'was in force before')]).toEqual([true, 1]);
  await again.push('# TYPE g gauge\ng 4\n');
  await again.push('# TYPE g gauge\ng 7\n');
  expect(await again.page()).toContain('\ng 4\n');
});

test('a reload at the leader goes back to a file of before', async () => {
  const [cluster, a, b] = await pair(shows('max'));
  a.write(shows('min'));
  expect(await a.reload()).not.toContain('another member leads');
  await cluster.untilRead([b]);
  expect([await rulesOf(a), a.differs, b.differs]).toEqual([[entry('min')], false, true]);
  a.write(shows('max'));
  await a.reload();
  await cluster.untilRead([b]);
  expect([await rulesOf(a), a.differs, b.differs]).toEqual([[entry('max')], false, false]);
  // One that was in force in between is not new.
  b.write(shows('min'));
  expect(await b.reload()).toContain('another member leads');
  expect(b.differs).toBe(true);
  a.kill();
  await cluster.untilLeads(b);
  expect([b.leads, await rulesOf(b), b.differs]).toEqual([true, [entry('max')], true]);
  // The same file, and the operator means it.
  expect(await b.reload()).not.toContain('another member leads');
  expect([await b.rules(), b.differs]).toEqual([{ file: expect.any(String), rules: [entry('min')] }, false]);
});

test('a file that is new is applied by the standby that has read it again, once it leads', async () => {
  const [cluster, a, b] = await pair(shows('max'));
  b.write(shows('last'));
  await b.reload();
  await cluster.untilRead([b]);
  expect([await rulesOf(a), b.differs]).toEqual([[entry('max')], true]);
  a.kill();
  await cluster.untilLeads(b);
  expect([b.leads, await rulesOf(b), b.differs]).toEqual([true, [entry('last')], false]);
});

test('which files were in force is known from a snapshot, when the log was trimmed', async () => {
  const [cluster, a, b] = await pair(shows('max'));
  await a.push('x_total 1\n');
  a.write(shows('min'));
  await a.reload();
  b.kill();
  for (let times = 0; times < 3; times += 1) {
    await a.push('x_total 1\n');
    const taken = a.assembly.member.current.gateway.snapshots.take();
    await cluster.time.pass(1_000);
    await taken;
  }
  expect(cluster.engine.first).toBeGreaterThan(3);
  const again = await cluster.start('b', { file: shows('max') });
  a.kill();
  await cluster.untilLeads(again);
  expect([again.leads, await rulesOf(again), again.differs]).toEqual([true, [entry('min')], true]);
  expect(await again.page()).toContain('\nx_total 4\n');
});

test('a member without a file goes by the rules of the others', async () => {
  const [cluster, a, b] = await pair(shows('max'));
  b.kill();
  const without = await cluster.start('c', {});
  a.kill();
  await cluster.untilLeads(without);
  expect([without.leads, await without.rules()]).toEqual([true, { file: null, rules: [entry('max')] }]);
  expect([without.differs, without.logged('warn', 'there is none')]).toEqual([true, 1]);
});

test('members without files record nothing, and the first file is new to them', async () => {
  const [cluster, a, b] = await pair(undefined);
  expect([a.differs, b.differs]).toEqual([false, false]);
  await cluster.start('c', { file: shows('max') }).then(async (c) => {
    expect(c.differs).toBe(true);
    a.kill();
    b.kill();
    await cluster.untilLeads(c);
    expect([c.leads, await rulesOf(c), c.differs]).toEqual([true, [entry('max')], false]);
  });
});

test('rules that a member cannot read keep it from taking over, and it says so, until it has a file that is new', async () => {
  const [cluster, a, b] = await pair(shows('max'));
  // As of a version that knows more.
  const { gateway } = a.assembly.member.current;
  await gateway.setRules(gateway.rules, { digest: 'newer', text: 'metrics:\n- {match: g, newer_key: 1}\n' });
  await cluster.untilRead([b]);
  await cluster.time.pass(100);
  expect(b.logged('error', 'cannot be read by this member')).toBe(1);
  a.kill();
  await cluster.time.pass(LEASE_MS * 5);
  expect([b.leads, b.fatal, b.assembly.member.problem]).toEqual([
    false,
    undefined,
    expect.stringContaining('newer_key'),
  ]);
  expect(b.logged('error', 'cannot be read by this member')).toBe(1);
  b.write(shows('last'));
  await b.reload();
  await cluster.untilLeads(b);
  expect([b.leads, await rulesOf(b)]).toEqual([true, [entry('last')]]);
});

test('a file by which known sources would add is not applied at a takeover, and the rules in force stay', async () => {
  const byJob = 'sources:\n  - mode: by-job\n';
  const [cluster, a, oldB] = await pair(byJob);
  await a.push('x_total 1\n', 'job/j');
  oldB.kill();
  const b = await cluster.start('b', { file: 'sources:\n  - mode: add\n' });
  a.kill();
  await cluster.untilLeads(b);
  expect([b.leads, b.fatal, await rulesOf(b), b.differs]).toEqual([
    true,
    undefined,
    ['{mode: by-job}'],
    true,
  ]);
  expect(b.logged('error', 'would be forgotten')).toBe(1);
});

test('who may do what is each member’s own, and nothing of it is in the log', async () => {
  const digestOf = (letter: string): string => letter.repeat(64);
  const access = (letter: string): string =>
    `access:\n  anonymous: [scrape]\n  users: {ann: [push]}\n  tokens:\n    - {name: token-${letter}, sha256: ${digestOf(letter)}} # a secret comment\n`;
  const [cluster, a, oldB] = await pair(`${shows('max')}${access('a')}`);
  await a.push('x_total 1\n');
  a.write(`${shows('min')}${access('b')}`);
  await a.reload();
  oldB.kill();
  const b = await cluster.start('b', { file: `${shows('max')}${access('a')}` });
  const taken = a.assembly.member.current.gateway.snapshots.take();
  await cluster.time.pass(1_000);
  await taken;
  const nameOf = (member: FileMember): string | undefined =>
    member.assembly.gateway.rulesInForce.current.access?.tokens[0]?.name;
  expect([nameOf(a), nameOf(b)]).toEqual(['token-b', 'token-a']);
  b.write(`${shows('max')}${access('c')}`);
  await b.reload();
  expect(nameOf(b)).toBe('token-c');
  b.write(`${shows('max')}${access('a')}`);
  await b.reload();
  a.kill();
  await cluster.untilLeads(b);
  expect([b.leads, await rulesOf(b), nameOf(b)]).toEqual([true, [entry('min')], 'token-a']);
  const { blocks, snapshots } = cluster.engine;
  const all = Buffer.concat([...blocks, ...[...snapshots.values()].flat()]).toString('latin1');
  expect(all).toContain('gauge: min');
  for (const secret of [digestOf('a'), digestOf('b'), 'token-', 'ann', 'secret comment'])
    expect(all).not.toContain(secret);
});

test('pushes go on over a change of files, and count by the rules that were in force', async () => {
  const drop = 'metric_relabel_configs:\n  - {action: labeldrop, regex: pod}\n';
  const [cluster, a, oldB] = await pair(shows('max'));
  await a.push('x_total{pod="1"} 1\n');
  oldB.kill();
  const b = await cluster.start('b', { file: drop });
  await a.stop();
  await cluster.untilLeads(b);
  await b.push('x_total{pod="1"} 1\n');
  const again = await cluster.start('a', { file: shows('max') });
  b.kill();
  await cluster.untilLeads(again);
  await again.push('x_total{pod="1"} 1\n');
  const page = await again.page();
  expect([page.includes('x_total{pod="1"} 1\n'), page.includes('x_total 2\n')]).toEqual([true, true]);
  expect(await again.assembly.gateway.delete(parsePushPath('job/j'))).toBe(false);
});

const gauges = ['max', 'min', 'last', 'sum'];
const member = fc.constantFrom(0, 1);
const file = fc.nat(gauges.length - 1);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ restart: member, file }) },
  { weight: 2, arbitrary: fc.record({ reload: member, file }) },
  { weight: 1, arbitrary: fc.constant({ snapshot: true as const }) },
);

test('whatever is rolled out, reloaded and lost: a takeover applies what is new, and nothing else changes but by a reload at the leader', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 10, size: 'max' }), async (steps) => {
      const cluster = new FileCluster();
      const files = [0, 0];
      const start = (which: number): Promise<FileMember> =>
        cluster.start(`m${which}`, { file: shows(gauges[files[which]!]!) });
      const members = [await start(0), await start(1)];
      let [current, leader] = [0, members[0]!];
      const known = new Set([0]);
      for (const each of steps) {
        if ('restart' in each) {
          members[each.restart]!.kill();
          files[each.restart] = each.file;
          members[each.restart] = await start(each.restart);
        } else if ('reload' in each) {
          const one = members[each.reload]!;
          files[each.reload] = each.file;
          one.write(shows(gauges[each.file]!));
          await one.reload();
          if (one === leader) known.add((current = each.file));
        } else void leader.assembly.member.current.gateway.snapshots.take();
        do await cluster.time.pass(LEASE_MS);
        while (!members.some(({ leads }) => leads));
        await cluster.untilRead(members);
        const leading = members.filter(({ leads }) => leads);
        expect(leading).toHaveLength(1);
        if (leading[0] !== leader) {
          leader = leading[0]!;
          const own = files[members.indexOf(leader)]!;
          if (!known.has(own)) known.add((current = own));
        }
        expect(await rulesOf(leader)).toEqual([entry(gauges[current]!)]);
        expect(members.map(({ differs }) => differs)).toEqual(files.map((own) => own !== current));
      }
      for (const { assembly } of members) assembly.member.abandon();
    }),
    { numRuns: runs(24, 2) },
  );
});
