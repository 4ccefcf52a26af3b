/** By job with labels of the path added, against Pushgateway in a few lines: groups of families that are replaced, and a restart anywhere. */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { plainText } from '../../src/model/exposition-format.ts';
import { samplesOf } from '../support/http.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { runs } from '../support/runs.ts';

/** Families by name, as lines without their type. */
const types = { c_total: 'counter', g: 'gauge', h: 'histogram', u: 'untyped' } as const;
type Name = keyof typeof types;

const value = fc.integer({ min: 0, max: 9 });
const labels = fc.constantFrom('a', 'b');
const samples = fc.uniqueArray(fc.record({ label: labels, value }), {
  minLength: 1,
  selector: (sample) => sample.label,
});
const families = fc.dictionary(fc.constantFrom(...(Object.keys(types) as Name[])), samples);
const job = fc.constantFrom('job/x', 'job/y', 'job/x/instance/1');

const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ method: fc.constantFrom('PUT', 'POST'), job, families }) },
    { weight: 2, arbitrary: fc.record({ method: fc.constant('DELETE'), job, families: fc.constant({}) }) },
    { weight: 1, arbitrary: fc.record({ method: fc.constant('restart'), job, families: fc.constant({}) }) },
    { weight: 1, arbitrary: fc.record({ method: fc.constant('snapshot'), job, families: fc.constant({}) }) },
  ),
  { minLength: 1, maxLength: 14 },
);

type Families = Readonly<Record<string, readonly { readonly label: string; readonly value: number }[]>>;

/** Series of a family with their values, by the labels that the page shows. */
function seriesOf(name: string, pushed: Families[string], path: string): [string, number][] {
  const [, jobName = '', , instance = ''] = path.split('/');
  return pushed.flatMap(({ label, value: given }): [string, number][] => {
    const inner = `instance="${instance}",job="${jobName}",l="${label}"`;
    if (name !== 'h') return [[`${name}{${inner}}`, given]];
    return [
      [`h_bucket{${inner},le="1"}`, given],
      [`h_bucket{${inner},le="+Inf"}`, given + 1],
      [`h_count{${inner}}`, given + 1],
    ];
  });
}

function bodyOf(pushed: Families): string {
  return Object.entries(pushed)
    .map(([name, all]) => {
      const lines = all.map(({ label, value: given }) =>
        name === 'h'
          ? `h_bucket{l="${label}",le="1"} ${given}\nh_bucket{l="${label}",le="+Inf"} ${given + 1}\n`
          : `${name}{l="${label}"} ${given}\n`,
      );
      return `# TYPE ${name} ${types[name as Name]}\n${lines.join('')}`;
    })
    .join('');
}

test('it shows what Pushgateway would, whatever is pushed, deleted and restarted', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const run = await RestartingGateway.start({ byJob: true, pathLabels: 'add', pushTimes: false });
      const composites = new Map<string, Map<string, Families[string]>>();
      for (const { method, job: path, families: pushed } of all) {
        if (method === 'restart') await run.restart();
        else if (method === 'snapshot') await run.takeSnapshot();
        else if (method === 'DELETE') {
          composites.delete(path);
          await run.gateway.delete(path);
        } else {
          const composite = method === 'PUT' ? new Map() : (composites.get(path) ?? new Map());
          for (const [name, samplesGiven] of Object.entries(pushed)) composite.set(name, samplesGiven);
          composites.set(path, composite);
          await run.gateway.push(bodyOf(pushed), { method: method as 'PUT' | 'POST', path });
        }
        const expected = [...composites].flatMap(([path, composite]) =>
          [...composite].flatMap(([name, given]) => seriesOf(name, given, path)),
        );
        expect(Object.fromEntries(samplesOf(await run.page(plainText)))).toEqual(
          Object.fromEntries(expected),
        );
      }
      await run.gateway.close();
    }),
    { numRuns: runs(300) },
  );
});
