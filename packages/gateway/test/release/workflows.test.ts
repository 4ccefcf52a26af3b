/** What workflows may do, and that what they run is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { repository } from '../support/programs.ts';

interface Workflow {
  readonly permissions?: Record<string, string>;
  readonly jobs: Record<string, Job>;
}

interface Job {
  readonly permissions?: Record<string, string>;
  readonly needs?: readonly string[];
  readonly steps?: readonly Step[];
}

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Record<string, unknown>;
}

const folder = join(repository, '.github/workflows');

describe.each(readdirSync(folder))('%s', (name) => {
  const text = readFileSync(join(folder, name), 'utf8');
  const workflow = parse(text) as Workflow;
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps ?? []);

  test('reads, unless a job says what else it may', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
  });

  test('actions of others are those of one commit, with their version', () => {
    const used = [...text.matchAll(/^\s*(?:- )?uses: (.*)$/gm)].map(([, what = '']) => what);
    expect(used.length).toBeGreaterThan(0);
    expect(
      used.filter((what) => !/^\.\/|^[\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(what)),
    ).toEqual([]);
  });

  test('a checkout leaves no credentials behind', () => {
    for (const step of steps.filter(({ uses }) => uses?.startsWith('actions/checkout@')))
      expect(step.with).toMatchObject({ 'persist-credentials': false });
  });

  test('what others write gets into scripts by the environment only', () => {
    for (const { run = '' } of steps) expect(run).not.toContain('${{');
  });

  test('scripts that it runs are there', () => {
    const scripts = steps.flatMap(({ run = '' }) =>
      [...run.matchAll(/\b(?:node|bash) ([\w./-]+)/g)].map(([, path = '']) => path),
    );
    expect(scripts.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
  });
});

test('a release is published by what has passed CI, and builds nothing while it may write', () => {
  const { jobs } = parse(readFileSync(join(folder, 'release.yml'), 'utf8')) as Workflow;
  const writing = Object.entries(jobs).filter(([, job]) =>
    Object.values(job.permissions ?? {}).includes('write'),
  );
  expect(writing.map(([name]) => name)).toEqual(['publish']);
  expect(jobs['publish']!.needs).toEqual(['ci', 'build']);
  const run = jobs['publish']!.steps!.map((step) => step.run ?? '').join('\n');
  expect(run).not.toMatch(/npm (?:ci|install|run)|\bnode /);
  expect(run).toContain('sha256sum --check SHA256SUMS');
  expect(run).toContain('--provenance');
});
