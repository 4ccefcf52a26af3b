/** What a chart renders, run as processes of this machine: the gateway, and the pod of `helm test`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';

import { expanded, fieldIn, ofKind, statefulSetOf } from '../../support/deploy.ts';
import type { Container, Manifest, PodFields, PodSpec } from '../../support/deploy.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { startGateway } from '../../support/process.ts';
import type { GatewayProcess } from '../../support/process.ts';
import { run } from '../../support/programs.ts';
import type { Outcome } from '../../support/programs.ts';

/** Files by the name of the secret that an operator has made. */
export type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

interface Pod {
  readonly name: string;
  /** Instead of 9091, as all pods are on one machine here; 0 for one that is free. */
  readonly port: number;
}

type Volume = Readonly<Record<string, unknown>> & { readonly name: string };

export class RenderedChart {
  readonly #manifests: readonly Manifest[];
  readonly #secrets: Secrets;
  readonly #folder = temporaryFolder();

  constructor(manifests: readonly Manifest[], secrets: Secrets = {}) {
    this.#manifests = manifests;
    this.#secrets = secrets;
  }

  /** A gateway by the command line of the container, but for where files are and on which ports it listens. */
  startGateway({ name, port }: Pod = { name: 'gateway-0', port: 0 }): Promise<GatewayProcess> {
    const pod = statefulSetOf(this.#manifests).template.spec;
    const container = this.#mount(pod);
    const env = this.#environment(container, { 'metadata.name': name, 'status.podIP': '127.0.0.1' });
    const { PAG_STORAGE_PATH: path, ...others } = env;
    expect(path).toBe('/data');
    const flags = expanded(container.args, env).map((arg) =>
      this.#moved(arg)
        .replace(/(?<=^--web\.listen-address=):\d+/, '127.0.0.1:0')
        .replace(/(?<=^--cluster\.advertise-url=https?:\/\/).*/, `localhost:${port}`),
    );
    const own = [`--storage.path=${join(this.#folder, 'data', name)}`];
    if (port !== 0) own.push(`--web.listen-address=127.0.0.1:${port}`);
    return startGateway([...own, ...flags], others);
  }

  /** The pod of `helm test`, which finds the gateway on this port. */
  runTest(port: number): Promise<Outcome> {
    const hook = ofKind(this.#manifests, 'Pod');
    expect(hook.metadata.annotations).toMatchObject({ 'helm.sh/hook': 'test' });
    const container = this.#mount(hook.spec as PodSpec);
    const { command, args } = container;
    expect(command).toEqual(['/usr/local/bin/node']);
    const { GATEWAY_URL: url = '', ...env } = this.#environment(container);
    const found = url.replace(/(?<=^https?:\/\/)[\w.-]+:\d+/, `localhost:${port}`);
    return run(process.execPath, args, { env: { ...env, GATEWAY_URL: found } });
  }

  /** Writes what the volumes of the pod hold. */
  #mount({ containers: [container], volumes = [] }: PodSpec): Container {
    for (const { name, mountPath } of container.volumeMounts ?? []) {
      const volume = volumes.find((each) => each.name === name);
      const files = volume === undefined ? {} : this.#contentOf(volume);
      for (const [file, text] of Object.entries(files)) {
        const path = join(this.#folder, mountPath, file);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, this.#moved(text));
      }
    }
    return container;
  }

  #contentOf(volume: Volume): Readonly<Record<string, string>> {
    if ('emptyDir' in volume) return {};
    const map = volume['configMap'] as { name: string } | undefined;
    if (map !== undefined) return this.#rendered('ConfigMap', map.name).data ?? {};
    const { secretName, items } = volume['secret'] as {
      secretName: string;
      items?: readonly { key: string; path: string }[];
    };
    const files = this.#secrets[secretName] ?? this.#rendered('Secret', secretName).stringData ?? {};
    if (items === undefined) return files;
    return Object.fromEntries(
      items.flatMap(({ key, path }) => (files[key] === undefined ? [] : [[path, files[key]]])),
    );
  }

  #rendered(kind: string, name: string): Manifest {
    const found = this.#manifests.find((each) => each.kind === kind && each.metadata.name === name);
    if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
    return found;
  }

  #environment({ env }: Pick<Container, 'env'>, fields?: PodFields): Record<string, string> {
    return Object.fromEntries(
      env.map((entry) => {
        const { name, valueFrom } = entry;
        const value = entry.value ?? (fields && fieldIn(fields, entry));
        if (value !== undefined)
          return [name, name === 'NODE_EXTRA_CA_CERTS' ? join(this.#folder, value) : value];
        const { name: secret, key } = valueFrom!.secretKeyRef!;
        const text = this.#secrets[secret]?.[key];
        expect(text, `${secret} ${key}`).toBeDefined();
        return [name, text!];
      }),
    );
  }

  /** Paths in the container, as they are here. */
  #moved(text: string): string {
    return text.replaceAll('/etc/prom-aggregation-gateway', `${this.#folder}/etc/prom-aggregation-gateway`);
  }
}
