/** The files of deploy/, and what tests look at in them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parseAllDocuments } from 'yaml';

import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { repository } from './programs.ts';

/** Where released images are; the one place that the files of deploy/ are held against. */
export const imageName = 'ghcr.io/prom-aggregation-gateway/prom-aggregation-gateway';

export const { version } = JSON.parse(
  readFileSync(join(repository, 'packages/gateway/package.json'), 'utf8'),
) as { readonly version: string };

export const image: string = `${imageName}:${version}`;

/** What the image itself sets (deploy/image). */
export const imageEnvironment = { PAG_STORAGE_PATH: '/data' } as const;

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly EnvironmentEntry[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly resources: { readonly requests: object; readonly limits: object };
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface EnvironmentEntry {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
    readonly fieldRef?: { readonly fieldPath: string };
  };
}

/** What a pod is called, and where it is. */
export interface PodFields {
  readonly 'metadata.name': string;
  readonly 'status.podIP': string;
}

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string; readonly scheme?: string };
  readonly tcpSocket?: { readonly port: string };
}

export interface PodSpec {
  readonly containers: readonly [Container];
  readonly volumes?: readonly (Readonly<Record<string, unknown>> & { readonly name: string })[];
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly automountServiceAccountToken?: boolean;
  readonly affinity?: Readonly<Record<string, unknown>>;
}

type Labels = Readonly<Record<string, string>>;

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels: Labels;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec: unknown;
}

export interface StatefulSetSpec {
  readonly replicas: number;
  readonly serviceName: string;
  readonly podManagementPolicy?: string;
  readonly minReadySeconds?: number;
  readonly volumeClaimTemplates?: readonly unknown[];
  readonly selector: { readonly matchLabels: Labels };
  readonly template: {
    readonly metadata: { readonly labels: Labels; readonly annotations?: Labels };
    readonly spec: PodSpec;
  };
}

export interface ServiceSpec {
  readonly type: string;
  readonly selector: Labels;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
}

/** Throws where it is no YAML. */
export function parseManifests(text: string): readonly Manifest[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    expect([...document.errors, ...document.warnings]).toEqual([]);
    const value = document.toJS() as Manifest | null;
    return value === null ? [] : [value];
  });
}

export function ofKind(manifests: readonly Manifest[], kind: string): Manifest {
  const found = manifests.filter((each) => each.kind === kind);
  expect(found, kind).toHaveLength(1);
  return found[0]!;
}

export function statefulSetOf(manifests: readonly Manifest[]): StatefulSetSpec {
  return ofKind(manifests, 'StatefulSet').spec as StatefulSetSpec;
}

/** What a gateway makes of the command line and the environment of a container; all of it must be right. */
export function configOf(args: readonly string[], env: readonly EnvironmentEntry[] = []): Config {
  const fields: PodFields = { 'metadata.name': 'gateway-0', 'status.podIP': '10.0.0.1' };
  const set = Object.fromEntries(
    env.flatMap((entry) => {
      const value = entry.value ?? fieldIn(fields, entry) ?? ofSecrets[entry.name];
      return value === undefined ? [] : [[entry.name, value] as const];
    }),
  );
  const invocation = parseConfig(expanded(args, set), { ...imageEnvironment, ...set });
  if (invocation.kind !== 'run') throw new Error(JSON.stringify(invocation));
  expect(invocation.warnings).toEqual([]);
  return invocation.config;
}

const ofSecrets: Readonly<Record<string, string>> = {
  PAG_STORAGE_LOG: 'postgres://gateway:secret@postgres/gateway',
};

export function fieldIn(fields: PodFields, { valueFrom }: EnvironmentEntry): string | undefined {
  return valueFrom?.fieldRef && fields[valueFrom.fieldRef.fieldPath as keyof PodFields];
}

/** As the kubelet does before it starts a container. */
export function expanded(args: readonly string[], env: Readonly<Record<string, string>>): readonly string[] {
  return args.map((arg) => arg.replaceAll(/\$\((\w+)\)/g, (found, name: string) => env[name] ?? found));
}

const restrictedVolumes = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

/** Holds a pod to the profile "restricted" of Pod Security, and to a root file system that is only read. */
export function expectRestricted(pod: PodSpec): void {
  for (const shared of ['hostNetwork', 'hostPID', 'hostIPC', 'hostUsers', 'initContainers'])
    expect(pod).not.toHaveProperty(shared);
  expect(pod.automountServiceAccountToken).toBe(false);
  expect(pod.securityContext).toMatchObject({
    runAsNonRoot: true,
    runAsUser: 65532,
    fsGroup: 65532,
    seccompProfile: { type: 'RuntimeDefault' },
  });
  for (const { name, ...volume } of pod.volumes ?? [])
    expect(restrictedVolumes, name).toEqual(expect.arrayContaining(Object.keys(volume)));
  for (const { securityContext, ports } of pod.containers) {
    expect(securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    for (const port of ports ?? []) expect(port).not.toHaveProperty('hostPort');
  }
}
