/** The manifests of deploy/kubernetes against the schemas of Kubernetes, and as kustomize puts them together. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { ofKind, parseManifests, statefulSetOf } from '../support/deploy.ts';
import { repository, run } from '../support/programs.ts';
import { ManifestSchemas, toolPath, whyWithout } from './deploy/tools.ts';

const folder = join(repository, 'deploy/kubernetes');
const manifests = readdirSync(folder)
  .filter((name) => !['kustomization.yaml', 'gateway.yaml'].includes(name))
  .flatMap((name) => parseManifests(readFileSync(join(folder, name), 'utf8')));

const withoutSchemas = whyWithout('kubernetes', 'serviceMonitor');

describe.skipIf(withoutSchemas !== '')(`schemas${withoutSchemas}`, () => {
  test('the API server would take all of it', () => {
    const schemas = new ManifestSchemas();
    expect(manifests.flatMap((manifest) => schemas.problems(manifest))).toEqual([]);
  });

  test('what is wrong is found', () => {
    const schemas = new ManifestSchemas();
    const wrong = (kind: string, from: string, to: string): readonly string[] =>
      schemas.problems(JSON.parse(JSON.stringify(ofKind(manifests, kind)).replace(from, to)));
    expect(wrong('StatefulSet', '"replicas":1', '"replicas":"1"')).toEqual([
      expect.stringContaining('/spec/replicas must be integer'),
    ]);
    expect(wrong('StatefulSet', '"httpGet"', '"httpget"')).toEqual([expect.stringContaining('httpget')]);
    expect(wrong('NetworkPolicy', '"podSelector"', '"podSelectors"')).not.toEqual([]);
    expect(wrong('ServiceMonitor', '"honorLabels"', '"honorLabel"')).toEqual([
      expect.stringContaining('honorLabel'),
    ]);
    expect(wrong('Service', '"kind":"Service"', '"kind":"Servis"')).toEqual([
      'v1 Servis: there is no such kind',
    ]);
  });
});

const withoutKustomize = whyWithout('kustomize', 'kubernetes');

test.skipIf(withoutKustomize !== '')(`kustomize${withoutKustomize}`, async () => {
  const built = await run(toolPath('kustomize'), ['build', folder]);
  expect(built).toMatchObject({ code: 0, stderr: '' });
  const made = parseManifests(built.stdout);
  const schemas = new ManifestSchemas();
  expect(made.flatMap((manifest) => schemas.problems(manifest))).toEqual([]);
  // By the name that ends with a digest of the file.
  const { name } = ofKind(made, 'ConfigMap').metadata;
  expect(name).toMatch(/^prom-aggregation-gateway-.+/);
  expect(statefulSetOf(made).template.spec.volumes).toEqual([{ name: 'config', configMap: { name } }]);
});
