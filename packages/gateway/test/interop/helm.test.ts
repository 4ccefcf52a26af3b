/** The chart of deploy/helm, as Helm renders it: what it refuses, what the API server would take, and what of it runs. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { readRules } from '../../src/rules/file/read-rules.ts';
import { ask } from '../access/serving.ts';
import {
  configOf,
  expectRestricted,
  image,
  ofKind,
  parseManifests,
  statefulSetOf,
  version,
} from '../support/deploy.ts';
import type { Manifest, PodSpec, ServiceSpec } from '../support/deploy.ts';
import { temporaryFolder } from '../support/folders.ts';
import { runGateway } from '../support/process.ts';
import { repository, run } from '../support/programs.ts';
import type { Outcome } from '../support/programs.ts';
import { chart, helm, render } from './deploy/render-chart.ts';
import type { Values } from './deploy/render-chart.ts';
import { RenderedChart } from './deploy/run-chart.ts';
import { ManifestSchemas, toolPath, whyWithout } from './deploy/tools.ts';

const defaults = parse(readFileSync(join(chart, 'values.yaml'), 'utf8')) as Record<string, unknown>;
const certificate = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../access/certificates/${name}`, import.meta.url)), 'utf8');

const tokens = {
  scrape: { existingSecret: 'scrape-token', key: 'token' },
  push: { existingSecret: 'push-token', key: 'token' },
};

/** All that can be switched on at once. */
const everything: Values = {
  image: { digest: `sha256:${'0'.repeat(64)}` },
  imagePullSecrets: [{ name: 'registry' }],
  config: {
    metrics: [{ match: '{__name__=~"jobs_last_.*"}', gauge: 'max' }],
    access: { anonymous: [], tokens: [{ name: 'page', sha256: '0'.repeat(64), may: ['push'] }] },
  },
  flags: ['--by-job', '--limit.series=1000000'],
  routePrefix: '/gateway',
  externalUrl: 'https://metrics.example/gateway',
  tls: { existingSecret: 'gateway-tls' },
  web: {
    config: {
      tls_server_config: { min_version: 'TLS13' },
      http_server_config: { headers: { 'X-Frame-Options': 'deny' } },
      basic_auth_users: { ops: '$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq' },
    },
  },
  tokens,
  persistence: { storageClass: 'fast', size: '20Gi', accessModes: ['ReadWriteOncePod'] },
  shutdownTimeoutSeconds: 30,
  service: { port: 80, pushPort: 81, annotations: { a: 'b' } },
  ingress: {
    enabled: true,
    className: 'nginx',
    host: 'metrics.example',
    tlsSecret: 'metrics-tls',
    annotations: { 'nginx.ingress.kubernetes.io/backend-protocol': 'HTTPS' },
  },
  httpRoute: { enabled: true, parentRefs: [{ name: 'public' }], hostnames: ['metrics.example'] },
  networkPolicy: { from: [{ namespaceSelector: { matchLabels: { team: 'shop' } } }] },
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' }, interval: '30s', scrapeTimeout: '20s' },
  podAnnotations: { a: 'b' },
  podLabels: { team: 'shop' },
  nodeSelector: { disk: 'ssd' },
  tolerations: [{ key: 'metrics', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  priorityClassName: 'high',
};

const sets: readonly (readonly [string, Values])[] = [
  ['by default', {}],
  ['with everything', everything],
  ['stopped', { replicas: 0 }],
  ['in memory', { persistence: { enabled: false } }],
  ['with a claim that is there', { persistence: { existingClaim: 'metrics' } }],
  [
    'with secrets of the operator',
    { existingConfigSecret: 'rules', web: { existingSecret: 'web', existingSecretHasTls: true } },
  ],
  [
    'with client certificates',
    { web: { config: { tls_server_config: { client_auth_type: 'RequireAnyClientCert' } } } },
  ],
  ['for those who are named alone', { networkPolicy: { from: [] } }],
];

const withoutHelm = whyWithout('helm');
const withoutSchemas = whyWithout('helm', 'kubernetes', 'serviceMonitor', 'httpRoute');

describe.skipIf(withoutSchemas !== '')(`schemas${withoutSchemas}`, () => {
  test.each(sets)('the API server would take it %s', async (_, values) => {
    const schemas = new ManifestSchemas();
    const manifests = await render(values);
    expect(manifests.flatMap((manifest) => schemas.problems(manifest))).toEqual([]);
  });
});

describe.skipIf(withoutHelm !== '')(`the chart${withoutHelm}`, () => {
  test('helm has nothing to say against it', async () => {
    expect(await run(toolPath('helm'), ['lint', '--strict', '--quiet', chart])).toMatchObject({ code: 0 });
  });

  test('it is packed with all that it needs, and nothing else', async () => {
    const folder = temporaryFolder();
    expect(await run(toolPath('helm'), ['package', chart, `--destination=${folder}`])).toMatchObject({
      code: 0,
    });
    const archive = join(folder, `prom-aggregation-gateway-${version}.tgz`);
    expect(await run(toolPath('helm'), ['lint', '--strict', '--quiet', archive])).toMatchObject({ code: 0 });
    const { stdout } = await run('tar', ['-tzf', archive]);
    const packed = stdout
      .trim()
      .split('\n')
      .map((path) => path.replace('prom-aggregation-gateway/', ''));
    const files = readdirSync(chart, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(chart, join(parentPath, name)));
    expect(packed.toSorted()).toEqual(files.toSorted());
  });

  test.each(sets)('it has no rights, and its flags are right, %s', async (_, values) => {
    const manifests = await render(values);
    const { template, selector } = statefulSetOf(manifests);
    expectRestricted(template.spec);
    expectRestricted(ofKind(manifests, 'Pod').spec as PodSpec);
    const [{ args, env, ports = [], livenessProbe, readinessProbe }] = template.spec.containers;
    const { http, listenAddresses } = configOf(args, env);
    expect(template.spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(http.shutdownTimeoutMs);
    const listened = listenAddresses.map((each) => ('port' in each ? each.port : undefined));
    expect(ports.map(({ containerPort }) => containerPort)).toEqual(listened);
    const service = ofKind(manifests, 'Service').spec as ServiceSpec;
    expect(service.type).toBe('ClusterIP');
    expect(service.ports.map(({ targetPort }) => targetPort)).toEqual(ports.map(({ name }) => name));
    for (const labels of [service.selector, selector.matchLabels])
      expect(template.metadata.labels).toMatchObject(labels);
    for (const probe of [livenessProbe, readinessProbe])
      expect((probe?.httpGet ?? probe?.tcpSocket)?.port).toBe('http');
    // The network policy lets the pod of the test in.
    const test = ofKind(manifests, 'Pod').metadata.labels;
    const { ingress } = ofKind(manifests, 'NetworkPolicy').spec as {
      ingress: readonly [{ from: readonly { podSelector?: { matchLabels: object } }[] }];
    };
    expect(test).toMatchObject(ingress[0].from.at(-1)!.podSelector!.matchLabels);
  });

  test('by default it is what the plain manifests are', async () => {
    const plain = ['statefulset', 'service'].flatMap((name) =>
      parseManifests(readFileSync(join(repository, `deploy/kubernetes/${name}.yaml`), 'utf8')),
    );
    const rendered = await render({}, { name: 'prom-aggregation-gateway' });
    // Of objects that others select by them, and of the image, the chart says more.
    const normal = (manifest: Manifest): unknown =>
      JSON.parse(
        JSON.stringify(manifest, (key, value: unknown) =>
          ['labels', 'annotations', 'selector', 'imagePullPolicy', 'scheme'].includes(key)
            ? undefined
            : value,
        ),
      );
    for (const manifest of plain) {
      expect(normal(ofKind(rendered, manifest.kind))).toEqual(normal(manifest));
      expect(ofKind(rendered, manifest.kind).metadata.labels).toMatchObject(manifest.metadata.labels);
    }
  });

  test('the image is that of this version, or what the values say', async () => {
    const imageOf = async (values: Values): Promise<string> =>
      statefulSetOf(await render(values)).template.spec.containers[0].image;
    expect(await imageOf({})).toBe(image);
    expect(await imageOf({ image: { repository: 'mirror/gateway', tag: 'x' } })).toBe('mirror/gateway:x');
    expect(await imageOf({ image: { tag: 'x', digest: `sha256:${'a'.repeat(64)}` } })).toMatch(/@sha256:a+$/);
  });

  test('files that change start it again, and nothing else does', async () => {
    const annotations = async (values: Values): Promise<unknown> =>
      statefulSetOf(await render(values)).template.metadata.annotations;
    const before = await annotations({});
    expect(await annotations({ serviceMonitor: { enabled: true } })).toEqual(before);
    expect(await annotations({ config: { presets: ['timestamps'] } })).not.toEqual(before);
    expect(await annotations({ web: { config: { rate_limit: { burst: 1 } } } })).not.toEqual(before);
  });

  test('all that an Ingress or a route leads to takes pushes alone', async () => {
    const manifests = await render(everything);
    const service = ofKind(manifests, 'Service').spec as ServiceSpec;
    const push = service.ports.find(({ name }) => name === 'push')!;
    const [{ args, env }] = statefulSetOf(manifests).template.spec.containers;
    const [, pushes] = configOf(args, env).listenAddresses;
    expect(pushes).toMatchObject({ port: 9092, served: new Set(['push']) });
    const ingress = JSON.stringify(ofKind(manifests, 'Ingress').spec);
    expect(ingress).toContain('"port":{"name":"push"}');
    expect(ingress).toContain('"path":"/gateway/metrics"');
    const route = JSON.stringify(ofKind(manifests, 'HTTPRoute').spec);
    expect(route).toContain(`"port":${push.port}`);
    expect(route).toContain('"value":"/gateway/metrics"');
  });

  test('each value is in the schema, and each key of the schema has a default', () => {
    const { properties } = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as {
      properties: Readonly<Record<string, { properties?: object }>>;
    };
    const { global: ofHelm, ...own } = properties;
    expect(ofHelm).toBeDefined();
    expect(Object.keys(own)).toEqual(Object.keys(defaults));
    for (const [key, { properties: inner }] of Object.entries(own))
      if (inner !== undefined && !['resources'].includes(key))
        expect(Object.keys(inner), key).toEqual(Object.keys(defaults[key] as object));
  });

  const refusals: readonly (readonly [Values, string])[] = [
    [{ replicas: 2 }, 'replicas: 2 needs a log that all replicas share'],
    [{ replicas: '1' }, "at '/replicas': got string, want integer"],
    [{ replica: 1 }, "additional properties 'replica' not allowed"],
    [{ persistence: { size: '10 GB' } }, "at '/persistence/size'"],
    [{ flags: ['by-job'] }, "at '/flags/0': 'by-job' does not match pattern"],
    [{ flags: ['--config.file=/x'] }, 'flags: the chart has to know --config.file; use config or existing'],
    [{ flags: ['-web.listen-address=:80'] }, '--web.listen-address; use service.port'],
    [{ image: { digest: 'latest' } }, "at '/image/digest'"],
    [{ config: [] }, "at '/config': got array, want object"],
    [{ config: { metrics: [] }, existingConfigSecret: 'x' }, 'config and existingConfigSecret'],
    [{ tls: { existingSecret: 'x' }, web: { existingSecret: 'web' } }, 'web.existingSecret has the whole'],
    [{ web: { existingSecretHasTls: true } }, 'there is no web.existingSecret'],
    [
      { tls: { existingSecret: 'x' }, web: { config: { tls_server_config: { cert: 'pem' } } } },
      'tls_server_config.cert',
    ],
    [{ terminationGracePeriodSeconds: 10 }, 'must be longer than shutdownTimeoutSeconds (10)'],
    [{ ingress: { enabled: true } }, 'ingress.host: an Ingress needs the host name'],
    [{ httpRoute: { enabled: true } }, 'httpRoute.parentRefs'],
  ];
  test.each(refusals)('it refuses %j', async (values, message) => {
    const { code, stderr } = await helm(values);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  test('what is wrong with the rules of the values, config check says', async () => {
    const fileOf = async (values: Values): Promise<string> =>
      ofKind(await render(values), 'ConfigMap').data?.['gateway.yaml'] ?? '';
    const check = async (values: Values): Promise<Outcome> => {
      const path = join(temporaryFolder(), 'gateway.yaml');
      writeFileSync(path, await fileOf(values));
      return runGateway(['config', 'check', path]);
    };
    expect(await check({})).toMatchObject({ code: 0, stderr: '' });
    expect(await check(everything)).toMatchObject({ code: 0, stderr: '' });
    expect((await check({ config: { metrics: [{ match: 'x', gauge: 'median' }] } })).code).not.toBe(0);
    expect(readRules(await fileOf(everything)).rules?.access?.tokens).toHaveLength(1);
  });

  test('the notes warn of what is open and of what is not kept', async () => {
    // Helm shows them after an install alone, so a manifest has them here.
    const copy = join(temporaryFolder(), 'prom-aggregation-gateway');
    cpSync(chart, copy, { recursive: true });
    const text = readFileSync(join(chart, 'templates/NOTES.txt'), 'utf8');
    const shown = 'kind: Notes\nspec: {{ include "notes" . | quote }}\n';
    writeFileSync(join(copy, 'templates/notes.yaml'), `{{ define "notes" }}${text}{{ end }}${shown}`);
    const notes = async (values: Values): Promise<unknown> =>
      ofKind(await render(values, { folder: copy }), 'Notes').spec;
    const open = { ingress: { enabled: true, host: 'metrics.example' } };
    expect(await notes({})).not.toContain('WARNING');
    expect(await notes({ persistence: { enabled: false } })).toContain('WARNING: without persistence');
    expect(await notes(open)).toContain('WARNING: anybody who reaches metrics.example may push');
    expect(await notes({ ...open, config: { access: { anonymous: [] } } })).not.toContain('WARNING');
    expect(await notes({ ...open, tls: { existingSecret: 'x' } })).toContain('The gateway speaks HTTPS');
  });
});

describe.skipIf(withoutHelm !== '')(`what it renders, run here${withoutHelm}`, () => {
  const secretOf = async (): Promise<readonly [token: string, sha256: string]> => {
    const [token = '', line = ''] = (await runGateway(['token', 'new'])).stdout.split('\n');
    return [token, line.replace('sha256: ', '')];
  };

  test('by default', async () => {
    const rendered = new RenderedChart(await render());
    const gateway = await rendered.startGateway();
    const port = Number(new URL(gateway.url).port);
    for (const sum of [1, 2])
      expect(await rendered.runTest(port)).toEqual({
        code: 0,
        stdout: `pushed 1, and helm_test_pushes_total is ${sum}\n`,
        stderr: '',
      });
    for (const path of ['/-/healthy', '/-/ready'])
      expect((await ask(port, { plain: true, path })).status).toBe(200);
    expect(await gateway.stop()).toBe(0);
    expect(await rendered.runTest(port)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  test('with TLS, tokens, a prefix and a port for pushes', async () => {
    const [[push, ofPush], [scrape, ofScrape]] = [await secretOf(), await secretOf()];
    const access = {
      anonymous: [],
      tokens: [
        { name: 'test', sha256: ofPush, may: ['push'], sources: '{job="helm-test"}' },
        { name: 'prometheus', sha256: ofScrape, may: ['scrape'] },
      ],
    };
    const manifests = await render({
      ...everything,
      config: { access },
      web: { config: { tls_server_config: { min_version: 'TLS13' } } },
    });
    const tls = {
      'tls.crt': certificate('server.crt'),
      'tls.key': certificate('server.key'),
      'ca.crt': certificate('ca.crt'),
    };
    const secrets = {
      'gateway-tls': tls,
      'push-token': { token: push },
      'scrape-token': { token: `${scrape}\n` },
    };
    const rendered = new RenderedChart(manifests, secrets);
    const gateway = await rendered.startGateway();
    expect(gateway.stderr()).toContain('mode=by-job');
    const ports = [...gateway.stderr().matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
    const [port = 0, pushPort = 0] = ports;
    expect(await rendered.runTest(port)).toMatchObject({ code: 0, stderr: '' });
    const [{ livenessProbe, readinessProbe }] = statefulSetOf(manifests).template.spec.containers;
    for (const probe of [livenessProbe, readinessProbe]) {
      expect(probe?.httpGet?.scheme).toBe('HTTPS');
      expect((await ask(port, { path: probe!.httpGet!.path })).status).toBe(200);
    }
    const { endpoints } = ofKind(manifests, 'ServiceMonitor').spec as {
      endpoints: readonly { path: string; scheme: string }[];
    };
    const headers = { authorization: `Bearer ${scrape}` };
    for (const { path, scheme } of endpoints) {
      expect(scheme).toBe('https');
      expect((await ask(port, { path, headers })).status).toBe(200);
      expect((await ask(pushPort, { path, headers })).status).toBe(404);
    }
    const route = { method: 'POST', path: '/gateway/metrics/job/helm-test', body: 'a 1\n' };
    expect((await ask(pushPort, { ...route, headers: { authorization: `Bearer ${push}` } })).status).toBe(
      202,
    );
    expect((await ask(pushPort, route)).status).toBe(401);
  });

  test('a test without a token that may says which values to set', async () => {
    const rendered = new RenderedChart(await render({ config: { access: { anonymous: ['scrape'] } } }));
    const gateway = await rendered.startGateway();
    const { code, stderr } = await rendered.runTest(Number(new URL(gateway.url).port));
    expect(code).toBe(1);
    expect(stderr).toContain(
      'the push was answered 401: a token or password is needed to push; see the values tokens.push',
    );
  });

  test('a secret without the file ends it with exit code 2', async () => {
    const rendered = new RenderedChart(await render({ existingConfigSecret: 'rules' }), { rules: {} });
    await expect(rendered.startGateway()).rejects.toThrow(/ended with 2:[^]*gateway\.yaml: no such file/);
  });
});
