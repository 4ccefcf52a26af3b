/** The chart of deploy/helm, as Helm renders it with some values. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { stringify } from 'yaml';

import { parseManifests } from '../../support/deploy.ts';
import type { Manifest } from '../../support/deploy.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { repository, run } from '../../support/programs.ts';
import type { Outcome } from '../../support/programs.ts';
import { toolPath } from './tools.ts';

export const chart: string = join(repository, 'deploy/helm/prom-aggregation-gateway');

export type Values = Readonly<Record<string, unknown>>;

interface Place {
  readonly name?: string;
  readonly folder?: string;
}

export function helm(values: Values, { name = 'metrics', folder = chart }: Place = {}): Promise<Outcome> {
  const file = join(temporaryFolder(), 'values.yaml');
  writeFileSync(file, stringify(values));
  const args = ['template', name, folder, `--values=${file}`, '--namespace=monitoring'];
  return run(toolPath('helm'), [...args, '--kube-version=1.34.0']);
}

export async function render(values: Values = {}, place?: Place): Promise<readonly Manifest[]> {
  const { code, stdout, stderr } = await helm(values, place);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return parseManifests(stdout);
}
