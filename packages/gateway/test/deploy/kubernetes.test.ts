/** The manifests of deploy/kubernetes agree with the gateway and with each other. Ring two holds them against the schemas. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

import { readRules } from '../../src/rules/file/read-rules.ts';
import {
  configOf,
  expectRestricted,
  image,
  imageEnvironment,
  ofKind,
  parseManifests,
  statefulSetOf,
} from '../support/deploy.ts';
import type { ServiceSpec } from '../support/deploy.ts';
import { repository } from '../support/programs.ts';

const folder = join(repository, 'deploy/kubernetes');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const others = ['kustomization.yaml', 'gateway.yaml'];
const files = readdirSync(folder).filter((name) => !others.includes(name));
const manifests = files.flatMap((name) => parseManifests(read(name)));
const { template, selector, replicas } = statefulSetOf(manifests);
const pod = template.spec;
const [container] = pod.containers;

test('all but what needs an operator is applied', () => {
  const { resources, configMapGenerator } = parse(read('kustomization.yaml')) as {
    resources: readonly string[];
    configMapGenerator: readonly [{ name: string; files: readonly string[] }];
  };
  expect([...resources, 'servicemonitor.yaml'].toSorted()).toEqual(files.toSorted());
  expect(configMapGenerator[0].files).toEqual(['gateway.yaml']);
  expect(pod.volumes).toEqual([{ name: 'config', configMap: { name: configMapGenerator[0].name } }]);
  expect(readRules(read('gateway.yaml')).problems).toEqual([]);
});

test('one pod, without rights', () => {
  expect(replicas).toBe(1);
  expectRestricted(pod);
});

test('the image, its flags and its volumes are those of this version', () => {
  expect(container.image).toBe(image);
  const { configFile, storage, http } = configOf(container.args, container.env);
  const folders = container.volumeMounts.map(({ mountPath }) => mountPath);
  expect(folders).toEqual([storage.path, configFile?.replace('/gateway.yaml', '')]);
  expect(storage.path).toBe(imageEnvironment.PAG_STORAGE_PATH);
  expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(http.shutdownTimeoutMs);
});

test('ports lead from the service to the gateway, and health is asked there', () => {
  const { listenAddresses } = configOf(container.args, container.env);
  expect(listenAddresses).toEqual([expect.objectContaining({ port: 9091 })]);
  expect(container.ports).toEqual([{ name: 'http', containerPort: 9091 }]);
  expect(container.livenessProbe?.httpGet).toEqual({ path: '/-/healthy', port: 'http' });
  expect(container.readinessProbe?.httpGet).toEqual({ path: '/-/ready', port: 'http' });
  const { labels } = template.metadata;
  const service = ofKind(manifests, 'Service').spec as ServiceSpec;
  expect(service).toEqual({
    type: 'ClusterIP',
    selector: labels,
    ports: [{ name: 'http', port: 9091, targetPort: 'http' }],
  });
  expect(selector.matchLabels).toEqual(labels);
  expect(ofKind(manifests, 'NetworkPolicy').spec).toMatchObject({
    podSelector: { matchLabels: labels },
    ingress: [{ ports: [{ port: 'http' }] }],
  });
  expect(ofKind(manifests, 'ServiceMonitor').spec).toMatchObject({
    selector: { matchLabels: ofKind(manifests, 'Service').metadata.labels },
    endpoints: [
      { port: 'http', path: '/metrics', honorLabels: true },
      { port: 'http', path: '/-/metrics' },
    ],
  });
});

test('the volume is larger than the store may become', () => {
  const { storage } = configOf(container.args, container.env);
  const [, gibibytes] = /storage: (\d+)Gi$/m.exec(read('statefulset.yaml')) ?? [];
  expect(Number(gibibytes) * 2 ** 30).toBeGreaterThan(storage.bytesMax);
});
