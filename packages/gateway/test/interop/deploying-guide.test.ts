/**
 * The commands of docs/guides/deploying.md as they stand there, without a cluster and without an engine: in the place of kubectl, helm and docker stand scripts
 * that render what those would apply, and refuse what they do not know. Those for systemd are in systemd.test.ts.
 */
import { chmodSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

import { parseAddress } from '../../src/cluster/engines/postgres/address.ts';
import { readSecret } from '../../src/cluster/secret-file.ts';
import { ask } from '../access/serving.ts';
import { compose, composePair } from '../support/compose.ts';
import { configOf, ofKind, parseManifests, statefulSetOf } from '../support/deploy.ts';
import type { Manifest } from '../support/deploy.ts';
import { blocksOf } from '../support/deploying-guide.ts';
import { temporaryFolder } from '../support/folders.ts';
import { runGateway } from '../support/process.ts';
import { repository, run } from '../support/programs.ts';
import { RenderedChart } from './deploy/run-chart.ts';
import { composeProblems, toolPath, whyWithout } from './deploy/tools.ts';

const certificate = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../access/certificates/${name}`, import.meta.url)), 'utf8');

const unknown = `*) echo "not known here: $0 $*" >&2; exit 1;;\nesac\n`;
const standIns: Readonly<Record<string, string>> = {
  kubectl: `case "$*" in
'create namespace metrics') ;;
'label namespace metrics pod-security.kubernetes.io/enforce=restricted') ;;
'--namespace metrics apply -k '*) '${toolPath('kustomize')}' build "$5" > applied.yaml;;
'--namespace metrics create secret generic scrape-token --from-literal=token='*) printf %s "\${7#*token=}" > "$6";;
*' create secret generic gateway-log --from-literal=url='*) printf %s "\${7#*url=}" > "$6";;
*' create secret generic gateway-members --from-literal=secret='*) printf %s "\${7#*secret=}" > "$6";;
${unknown}`,
  helm: `case "$*" in
'upgrade --install metrics deploy/helm/'*) shift 2; set -- "\${@/--create-namespace/--include-crds}"
  '${toolPath('helm')}' template "$@" --kube-version=1.34.0 > applied.yaml;;
'test metrics --namespace metrics') ;;
${unknown}`,
  docker: `case "$*" in
'compose -f deploy/compose.yaml up -d') test -f "$3";;
'compose -f deploy/compose.yaml -f deploy/tls.yaml up -d') test -f "$3";;
'compose -f deploy/compose.yaml -f deploy/compose-pair.yaml up -d') test -f "$5";;
${unknown}`,
};

/** A folder that looks like a clone, in which each block of the section is run; what was applied last. */
async function follow(
  heading: string,
  files: Readonly<Record<string, string>> = {},
  folder: string = temporaryFolder(),
): Promise<string> {
  mkdirSync(join(folder, 'deploy'));
  // What a command adds to it stays here.
  for (const name of readdirSync(join(repository, 'deploy')).filter((each) => each !== 'secrets'))
    symlinkSync(join(repository, 'deploy', name), join(folder, 'deploy', name));
  mkdirSync(join(folder, 'bin'));
  for (const [name, script] of Object.entries(standIns)) {
    writeFileSync(join(folder, 'bin', name), `#!/bin/bash\nset -eu\n${script}`);
    chmodSync(join(folder, 'bin', name), 0o755);
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const blocks = blocksOf(heading, 'sh');
  expect(blocks).not.toEqual([]);
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}` };
  for (const input of blocks)
    expect(await run('/bin/bash', ['-eu', '-'], { input, cwd: folder, env })).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  const applied = join(folder, 'applied.yaml');
  return existsSync(applied) ? readFileSync(applied, 'utf8') : '';
}

test('Docker Compose', async () => {
  await follow('Docker Compose');
  const [text = ''] = blocksOf('Docker Compose', 'yaml');
  const tls = parse(text) as {
    services: { gateway: { environment: Readonly<Record<string, string>>; secrets: readonly string[] } };
    secrets: object;
  };
  const { environment, secrets } = tls.services.gateway;
  const set = Object.entries(environment).map(([name, value]) => ({ name, value }));
  const { webConfigFile } = configOf(compose.services.gateway.command ?? [], set);
  expect(webConfigFile).toBe(`/run/secrets/${secrets[0]}`);
  expect(Object.keys(tls.secrets)).toEqual(secrets);
});

const withoutCompose = whyWithout('compose');

test.skipIf(withoutCompose !== '')(`the file for TLS, by the schema of Compose${withoutCompose}`, () => {
  for (const text of blocksOf('Docker Compose', 'yaml')) expect(composeProblems(parse(text))).toEqual([]);
});

const withoutKustomize = whyWithout('kustomize');

test.skipIf(withoutKustomize !== '')(`Kubernetes${withoutKustomize}`, async () => {
  const manifests = parseManifests(await follow('Kubernetes'));
  expect(statefulSetOf(manifests).replicas).toBe(1);
  const guide = readFileSync(join(repository, 'docs/guides/deploying.md'), 'utf8');
  expect(guide).toContain(`\`${ofKind(manifests, 'Service').metadata.name}.metrics:9091\``);
});

const withoutHelm = whyWithout('helm');

test.skipIf(withoutHelm !== '')(`Helm, up to a push and a scrape over TLS${withoutHelm}`, async () => {
  const [page, prometheus] = [
    (await runGateway(['token', 'new'])).stdout,
    (await runGateway(['token', 'new'])).stdout,
  ];
  const manifests: readonly Manifest[] = parseManifests(
    await follow('Helm', { 'page.txt': page, 'prometheus.txt': prometheus }),
  );
  const tls = { 'tls.crt': certificate('server.crt'), 'tls.key': certificate('server.key') };
  const [scrapeToken = ''] = prometheus.split('\n');
  const chart = new RenderedChart(manifests, { 'gateway-tls': tls, 'scrape-token': { token: scrapeToken } });
  const gateway = await chart.startGateway();
  const ports = [...gateway.stderr().matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
  const [port = 0, pushPort = 0] = ports;
  const bearer = (file: string): Record<string, string> => ({
    authorization: `Bearer ${file.split('\n')[0]}`,
  });
  const push = { method: 'POST', path: '/metrics/job/shop', body: 'web_views_total 1\n' };
  expect((await ask(pushPort, push)).status).toBe(401);
  expect((await ask(pushPort, { ...push, headers: bearer(page) })).status).toBe(202);
  expect((await ask(pushPort, { headers: bearer(prometheus) })).status).toBe(404);
  expect((await ask(port, { headers: bearer(prometheus) })).text).toContain('\nweb_views_total 1\n');
  expect((await ask(port, { headers: bearer(page) })).status).toBe(403);
});

test.skipIf(withoutHelm !== '')(`two replicas, and what they share${withoutHelm}`, async () => {
  const folder = temporaryFolder();
  const manifests = parseManifests(await follow('Two replicas', {}, folder));
  const set = statefulSetOf(manifests);
  const [{ args, env }] = set.template.spec.containers;
  expect([set.replicas, configOf(args, env).cluster.name]).toEqual([2, 'gateway-0']);
  // What kubectl made is what the pods take.
  const { secretKeyRef } = env.find(({ name }) => name === 'PAG_STORAGE_LOG')!.valueFrom!;
  expect(secretKeyRef).toEqual({ name: 'gateway-log', key: 'url' });
  const url = readFileSync(join(folder, 'gateway-log'), 'utf8');
  expect(await parseAddress(url).password()).toBe('password');
  expect(set.template.spec.volumes).toContainEqual({
    name: 'cluster',
    secret: { secretName: 'gateway-members', items: [{ key: 'secret', path: 'secret' }] },
  });
  expect(await readSecret(join(folder, 'gateway-members'))).toHaveProperty('secret');

  const secretAt = (name: string): string => join(folder, 'deploy', composePair.secrets[name]!.file);
  expect(await readSecret(secretAt('cluster'))).toHaveProperty('secret');
  const log = composePair.services.gateway.environment['PAG_STORAGE_LOG']!;
  const password = await parseAddress(log.replace('/run/secrets/pgpass', secretAt('pgpass'))).password();
  expect(password).toMatch(/^[0-9a-f]{64}$/);
  expect(`${password}\n`).toBe(readFileSync(secretAt('postgres'), 'utf8'));
});
