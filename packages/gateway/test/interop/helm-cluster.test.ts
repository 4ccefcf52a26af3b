/** The chart of deploy/helm with replicas that share a log: what it renders and refuses, and two of them as processes here, on a real PostgreSQL. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';

import { ask } from '../access/serving.ts';
import { configOf, expectRestricted, ofKind, statefulSetOf } from '../support/deploy.ts';
import type { Manifest, ServiceSpec } from '../support/deploy.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startPostgres, withPostgres } from '../support/postgres.ts';
import { startGateway } from '../support/process.ts';
import { freePort, runPrometheus } from '../support/prometheus.ts';
import { helm, render } from './deploy/render-chart.ts';
import type { Values } from './deploy/render-chart.ts';
import { RenderedChart } from './deploy/run-chart.ts';
import { ManifestSchemas, whyWithout } from './deploy/tools.ts';

const certificate = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../access/certificates/${name}`, import.meta.url)), 'utf8');

const cluster = {
  enabled: true,
  log: { existingSecret: 'log', key: 'uri' },
  secret: { existingSecret: 'members', key: 'text' },
};
const pair: Values = { replicas: 2, cluster, serviceMonitor: { enabled: true } };
const overTls: Values = { ...pair, tls: { existingSecret: 'gateway-tls' } };
const everything: Values = {
  ...overTls,
  cluster: { ...cluster, log: { ...cluster.log, existingCaSecret: 'log-ca' }, drainSeconds: 20 },
  affinity: { nodeAffinity: {} },
  networkPolicy: { from: [], toLog: [{ to: [{ ipBlock: { cidr: '10.1.0.0/16' } }] }] },
  ingress: { enabled: true, host: 'metrics.example' },
};

const sets: readonly (readonly [string, Values])[] = [
  ['two replicas', pair],
  ['by names', { ...pair, cluster: { ...cluster, byName: true } }],
  ['over TLS', overTls],
  ['with everything', everything],
  ['without a wait', { ...pair, cluster: { ...cluster, drainSeconds: 0 } }],
];

const withoutSchemas = whyWithout('helm', 'kubernetes', 'serviceMonitor', 'httpRoute');

describe.skipIf(withoutSchemas !== '')(`schemas${withoutSchemas}`, () => {
  test.each(sets)('the API server would take %s', async (_, values) => {
    const schemas = new ManifestSchemas();
    const manifests = await render(values);
    expect(manifests.flatMap((manifest) => schemas.problems(manifest))).toEqual([]);
  });
});

const withoutHelm = whyWithout('helm');
const kinds = (manifests: readonly Manifest[], kind: string): readonly Manifest[] =>
  manifests.filter((each) => each.kind === kind);

describe.skipIf(withoutHelm !== '')(`the chart with a log${withoutHelm}`, () => {
  test.each(sets)(
    'replicas have no rights, their flags are right, and they keep nothing: %s',
    async (_, values) => {
      const manifests = await render(values);
      const { template, replicas, ...set } = statefulSetOf(manifests);
      expectRestricted(template.spec);
      expect([replicas, set.podManagementPolicy, set.volumeClaimTemplates]).toEqual([
        2,
        'Parallel',
        undefined,
      ]);
      const [{ args, env, volumeMounts, ports }] = template.spec.containers;
      const { cluster: options, storage, http } = configOf(args, env);
      expect(options).toMatchObject({ name: 'gateway-0', logUrl: expect.any(String) as string });
      expect(ports?.[0]).toEqual({
        name: 'http',
        containerPort: Number(new URL(options.advertiseUrl!).port),
      });
      const mounted = volumeMounts.map(({ mountPath }) => mountPath);
      expect(mounted).toContain(options.secretFile?.replace('/secret', ''));
      expect(template.spec.volumes).toContainEqual({ name: 'data', emptyDir: {} });
      expect(mounted).toContain(storage.path);
      const wait = Number(/setTimeout\(\(\) => \{\}, (\d+)\)/.exec(JSON.stringify(template.spec))?.[1] ?? 0);
      expect(template.spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(
        wait + http.shutdownTimeoutMs,
      );
    },
  );

  test('one at a time is drained, and they prefer different nodes', async () => {
    const { template, selector } = statefulSetOf(await render(pair));
    const budget = ofKind(await render(pair), 'PodDisruptionBudget').spec;
    expect(budget).toEqual({ maxUnavailable: 1, selector });
    expect(template.metadata.labels).toMatchObject(selector.matchLabels);
    const affinityOf = async (affinity: object): Promise<unknown> =>
      statefulSetOf(await render({ ...pair, affinity })).template.spec.affinity;
    const podAffinityTerm = { labelSelector: selector, topologyKey: 'kubernetes.io/hostname' };
    const podAntiAffinity = {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }],
    };
    expect(await affinityOf({})).toEqual({ podAntiAffinity });
    expect(await affinityOf({ nodeAffinity: {} })).toEqual({ nodeAffinity: {}, podAntiAffinity });
    expect(await affinityOf({ podAntiAffinity: {} })).toEqual({ podAntiAffinity: {} });
    // Nothing of it without a log.
    const alone = await render();
    expect(kinds(alone, 'PodDisruptionBudget')).toEqual([]);
    expect(statefulSetOf(alone).template.spec.affinity).toBeUndefined();
  });

  test('they reach each other at once by IP, and over TLS by names that their service gives them', async () => {
    const advertised = async (values: Values): Promise<string | undefined> => {
      const [{ args, env }] = statefulSetOf(await render(values)).template.spec.containers;
      return configOf(args, env).cluster.advertiseUrl;
    };
    expect(await advertised(pair)).toBe('http://10.0.0.1:9091');
    expect(statefulSetOf(await render(pair)).minReadySeconds).toBeUndefined();
    const manifests = await render(overTls);
    const set = statefulSetOf(manifests);
    const name = set.serviceName;
    expect(await advertised(overTls)).toBe(`https://gateway-0.${name}.monitoring.svc:9091`);
    expect(set.minReadySeconds).toBeGreaterThan(30);
    const [named, service] = [name, name.replace(/-members$/, '')].map(
      (each) =>
        kinds(manifests, 'Service').find(({ metadata }) => metadata.name === each)?.spec as ServiceSpec,
    );
    expect(named).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
    expect(named!.selector).toEqual(service!.selector);
    // The ServiceMonitor finds both services by their labels, and has the port of one.
    const { endpoints } = ofKind(manifests, 'ServiceMonitor').spec as {
      endpoints: readonly { port: string }[];
    };
    for (const { port } of endpoints) expect(named!.ports.map((each) => each.name)).not.toContain(port);
  });

  test('the network policy lets them reach each other, DNS and the log, and nothing else', async () => {
    const { ingress, egress } = ofKind(await render(everything), 'NetworkPolicy').spec as {
      ingress: readonly [{ from: readonly object[] }];
      egress: readonly object[];
    };
    const replicas = { podSelector: statefulSetOf(await render(everything)).selector };
    expect(ingress[0].from[0]).toEqual(replicas);
    const dns = ['UDP', 'TCP'].map((protocol) => ({ port: 53, protocol }));
    expect(egress).toEqual([
      { to: [replicas], ports: [{ port: 'http' }] },
      { ports: dns },
      { to: [{ ipBlock: { cidr: '10.1.0.0/16' } }] },
    ]);
    const spec = (policy: readonly Manifest[]): unknown => ofKind(policy, 'NetworkPolicy').spec;
    expect(spec(await render(pair))).toMatchObject({ egress: [{}, {}, { ports: [{ port: 5432 }] }] });
    expect(spec(await render())).toMatchObject({ egress: [] });
  });

  const refusals: readonly (readonly [Values, string])[] = [
    [
      { cluster: { enabled: true } },
      'cluster.log.existingSecret: replicas of a cluster need a Secret with the URL',
    ],
    [{ cluster: { ...cluster, secret: {} } }, 'cluster.secret.existingSecret'],
    [{ cluster: { ...cluster, url: 'postgres://' } }, "additional properties 'url' not allowed"],
    [{ cluster, persistence: { existingClaim: 'data' } }, 'cannot share a volume'],
    [
      { cluster, web: { existingSecret: 'x', existingSecretHasTls: true } },
      'by ca.crt of tls.existingSecret',
    ],
    [{ cluster, web: { config: { tls_server_config: { cert: 'x' } } } }, 'by ca.crt of tls.existingSecret'],
    [
      { ...overTls, web: { config: { tls_server_config: { client_auth_type: 'RequireAnyClientCert' } } } },
      'have no client certificates',
    ],
    [
      { cluster, terminationGracePeriodSeconds: 15 },
      'shutdownTimeoutSeconds (10) and cluster.drainSeconds (5)',
    ],
    [{ cluster, flags: ['--storage.log=postgres://x'] }, '--storage.log; use cluster.log'],
    [{ cluster, flags: ['--cluster.name=a'] }, '--cluster.name; use cluster.enabled'],
  ];
  test.each(refusals)('it refuses %j', async (values, message) => {
    const { code, stderr } = await helm(values);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  test('for Prometheus the aggregate is one target, and each replica has own metrics', async () => {
    interface Relabeling {
      readonly action?: string;
      readonly regex?: string;
      readonly targetLabel?: string;
      readonly replacement?: string;
    }
    const { endpoints } = ofKind(await render(pair), 'ServiceMonitor').spec as {
      endpoints: readonly { path: string; honorLabels?: boolean; relabelings: readonly Relabeling[] }[];
    };
    const gateways = [await startGateway(), await startGateway()];
    // The Service leads to one of them.
    const service = new URL(gateways[0]!.url).host;
    // What the operator makes of it, with labels of pods as it adds them.
    const pods = gateways.map(({ url }, i) => ({
      targets: [new URL(url).host],
      labels: {
        namespace: 'monitoring',
        service: 'metrics',
        endpoint: 'http',
        pod: `metrics-${i}`,
        container: 'gateway',
      },
    }));
    const jobs = endpoints.map(({ path, honorLabels = false, relabelings }, i) => ({
      job_name: `serviceMonitor/monitoring/metrics/${i}`,
      metrics_path: path,
      honor_labels: honorLabels,
      relabel_configs: relabelings.map(({ targetLabel, replacement, ...others }) => ({
        ...others,
        ...(targetLabel !== undefined && { target_label: targetLabel }),
        ...(replacement !== undefined && {
          replacement: replacement.replace(/^[\w.-]+\.svc:9091$/, service),
        }),
      })),
      static_configs: pods,
    }));
    const configFile = join(temporaryFolder(), 'prometheus.yml');
    writeFileSync(
      configFile,
      stringify({ global: { scrape_interval: '1s', scrape_timeout: '1s' }, scrape_configs: jobs }),
    );
    const prometheus = await runPrometheus(configFile);
    await expect.poll(() => prometheus.value('count(up == 1)'), { timeout: 30_000 }).toBe(3);
    const [aggregate, ...more] = await prometheus.query('up{job="aggregation-gateway"}');
    expect(more).toEqual([]);
    expect(aggregate?.metric).toEqual({
      __name__: 'up',
      job: 'aggregation-gateway',
      instance: service,
      namespace: 'monitoring',
      service: 'metrics',
      endpoint: 'http',
    });
    const own = await prometheus.query('up{job="aggregation-gateway-itself"}');
    expect(new Set(own.map(({ metric }) => metric['pod']))).toEqual(new Set(['metrics-0', 'metrics-1']));
    expect(own).toHaveLength(2);
  });
});

const withoutPair = withoutHelm || (withPostgres && `: ${withPostgres}`);

describe.skipIf(withoutPair !== '')(`two replicas, run here${withoutPair}`, () => {
  const secretText = 'a secret that both replicas have';
  const files = {
    'tls.crt': certificate('server.crt'),
    'tls.key': certificate('server.key'),
    'ca.crt': certificate('ca.crt'),
  };

  test.each([
    ['without TLS', pair, true],
    ['over TLS', overTls, false],
  ] as const)('%s one goes on where the other was stopped', async (_, values, plain) => {
    const postgres = await startPostgres();
    try {
      const rendered = new RenderedChart(await render(values), {
        log: { uri: postgres.url },
        members: { text: `${secretText}\n` },
        'gateway-tls': files,
      });
      const ports = [await freePort(), await freePort()] as const;
      const [first, second] = await Promise.all(
        ports.map((port, i) => rendered.startGateway({ name: `metrics-${i}`, port })),
      );
      for (const port of ports)
        await eventually(
          'both to be ready',
          async () => (await ask(port, { plain, path: '/-/ready' })).status === 200,
          60_000,
        );
      // The pod of `helm test`, by either.
      for (const [i, port] of ports.entries())
        expect(await rendered.runTest(port)).toMatchObject({
          code: 0,
          stdout: `pushed 1, and helm_test_pushes_total is ${i + 1}\n`,
        });
      const leading = async (port: number): Promise<boolean> =>
        (await ask(port, { plain, path: '/-/metrics' })).text.includes('cluster_leads 1\n');
      const firstLeads = await leading(ports[0]);
      expect(await leading(ports[1])).toBe(!firstLeads);
      expect(await (firstLeads ? first! : second!).stop()).toBe(0);
      expect(await rendered.runTest(ports[firstLeads ? 1 : 0])).toMatchObject({
        code: 0,
        stdout: 'pushed 1, and helm_test_pushes_total is 3\n',
      });
    } finally {
      await postgres.stop();
    }
  });
});
