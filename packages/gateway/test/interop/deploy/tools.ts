/** What .ci/deploy-tools has fetched: programs, and schemas to hold manifests against. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import type { SchemaObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

import type { Manifest } from '../../support/deploy.ts';

const folder = process.env['DEPLOY_TOOLS'] ?? '';
const names = {
  helm: 'helm',
  kustomize: 'kustomize',
  kubernetes: 'kubernetes.json',
  compose: 'compose.json',
  serviceMonitor: 'servicemonitor.yaml',
  httpRoute: 'httproute.yaml',
} as const;
type Tool = keyof typeof names;

export function toolPath(tool: Tool): string {
  return join(folder, names[tool]);
}

/** Empty where all of them are there; behind the name of a test. */
export function whyWithout(...tools: readonly Tool[]): string {
  if (folder === '') return ': needs DEPLOY_TOOLS, which .ci/deploy-tools prints';
  const missing = tools.filter((tool) => !existsSync(toolPath(tool))).map((tool) => names[tool]);
  return missing.length === 0 ? '' : `: .ci/deploy-tools could not get ${missing.join(', ')}`;
}

const options = { strict: false, validateFormats: false, allErrors: true } as const;

/** As the API server reads it strictly: what is not described is an error. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { type, format, ...rest } = schema as SchemaObject;
  const parts = Object.fromEntries(Object.entries(rest).map(([key, part]) => [key, closed(part)]));
  if (format === 'int-or-string' || rest['x-kubernetes-int-or-string'] === true)
    return { ...parts, type: ['integer', 'string'] };
  const isOpen =
    !('properties' in rest) ||
    'additionalProperties' in rest ||
    rest['x-kubernetes-preserve-unknown-fields'] === true;
  // A property may have the name `type` or `format`.
  const kept = {
    ...(type !== undefined && { type: closed(type) }),
    ...(typeof format === 'object' && { format: closed(format) }),
  };
  return { ...parts, ...kept, ...(!isOpen && { additionalProperties: false }) };
}

interface Definition extends SchemaObject {
  readonly 'x-kubernetes-group-version-kind'?: readonly { group: string; version: string; kind: string }[];
}

/** What is wrong with manifests: nothing, or lines that say where. */
export class ManifestSchemas {
  readonly #ajv = new Ajv(options);
  readonly #validators = new Map<string, () => ValidateFunction>();

  constructor() {
    const api = JSON.parse(readFileSync(toolPath('kubernetes'), 'utf8')) as {
      definitions: Readonly<Record<string, Definition>>;
    };
    // A quantity may be a number as well.
    const quantity = { 'io.k8s.apimachinery.pkg.api.resource.Quantity': { type: ['string', 'number'] } };
    const definitions = Object.fromEntries(
      Object.entries(api.definitions).map(([name, schema]) => [name, closed(schema)]),
    );
    this.#ajv.addSchema({ $id: 'kubernetes', definitions: { ...definitions, ...quantity } });
    for (const [name, schema] of Object.entries(api.definitions)) {
      const [kind, ...more] = schema['x-kubernetes-group-version-kind'] ?? [];
      if (kind === undefined || more.length > 0) continue;
      const id = [kind.group, kind.version].filter(Boolean).join('/');
      // Compiled once it is asked for, as there are hundreds.
      let compiled: ValidateFunction | undefined;
      const reference = { $ref: `kubernetes#/definitions/${name}` };
      this.#validators.set(`${id} ${kind.kind}`, () => (compiled ??= this.#ajv.compile(reference)));
    }
    for (const tool of ['serviceMonitor', 'httpRoute'] as const) this.#addCustom(toolPath(tool));
  }

  problems(manifest: Manifest): readonly string[] {
    const kind = `${manifest.apiVersion} ${manifest.kind}`;
    const validate = this.#validators.get(kind)?.();
    if (validate === undefined) return [`${kind}: there is no such kind`];
    validate(manifest);
    return problemsOf(validate).map((problem) => `${manifest.kind} ${manifest.metadata.name}: ${problem}`);
  }

  #addCustom(path: string): void {
    if (!existsSync(path)) return;
    const { spec } = parse(readFileSync(path, 'utf8')) as {
      spec: {
        group: string;
        names: { kind: string };
        versions: readonly { name: string; schema: { openAPIV3Schema: SchemaObject } }[];
      };
    };
    for (const { name, schema } of spec.versions) {
      const { properties, ...rest } = closed(schema.openAPIV3Schema) as SchemaObject;
      const metadata = { $ref: 'kubernetes#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' };
      const validate = this.#ajv.compile({ ...rest, properties: { ...(properties as object), metadata } });
      this.#validators.set(`${spec.group}/${name} ${spec.names.kind}`, () => validate);
    }
  }
}

/** What is wrong with a file of Compose. */
export function composeProblems(file: unknown): readonly string[] {
  const validate = new Ajv2020(options).compile(
    JSON.parse(readFileSync(toolPath('compose'), 'utf8')) as SchemaObject,
  );
  validate(file);
  return problemsOf(validate);
}

function problemsOf({ errors }: ValidateFunction): readonly string[] {
  return (errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
