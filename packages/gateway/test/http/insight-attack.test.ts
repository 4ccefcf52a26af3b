/** What strangers may try with what is known of pushes. */
import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { waitFor } from './helpers.ts';
import { serving } from './serving-insight.ts';

const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex');

const hostile = [
  '<script>alert(1)</script>',
  '"},{"x":"',
  '\u202e\u2066abc',
  '\u2028\u2029',
  '__proto__',
  '\\u0000',
  'ü'.repeat(2000),
  '%2e%2e/%00',
];

describe('names and labels that are chosen', () => {
  it('are text in every answer', async () => {
    const { ask, push, watch } = await serving({ byJob: true });
    const reader = watch();
    await waitFor(() => reader.events.length > 0);
    for (const text of hostile) {
      const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
      const path = `job/${encodeURIComponent(text.slice(0, 200))}`;
      const reply = await push(path, `{"${escaped}","${escaped}"="${escaped}"} 1\n`);
      expect(reply.status, reply.text).toBe(202);
    }
    await push('job/x', `a{b="${hostile[0]}" 1\n`);
    const { data } = await ask('/api/v1/families');
    expect(data.families.map(({ name }: any) => name).sort()).toEqual([...hostile].sort());
    for (const text of hostile) {
      const family = await ask(`/api/v1/families/${encodeURIComponent(text)}`);
      expect(Object.entries(family.data.samples[0].labels)).toEqual([[text, text]]);
      const selector = `{"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"}`;
      const explained = await ask(`/api/v1/explain?match[]=${encodeURIComponent(selector)}`);
      expect(explained.data.series, explained.text).toHaveLength(1);
      expect((await ask(`/api/v1/history?family=${encodeURIComponent(text)}`)).status).toBe(200);
      expect((await ask(`/api/v1/families?search=${encodeURIComponent(text)}`)).status).toBe(
        text.length > 1024 ? 400 : 200,
      );
    }
    for (const path of ['sources', 'metrics', 'refusals', 'rules', 'audit', 'scrapers'])
      expect((await ask(`/api/v1/${path}`)).data, path).toBeDefined();
    await waitFor(() => reader.of('push').length === hostile.length);
    for (const { headers } of [await ask('/api/v1/families'), await ask('/api/v1/watch?seconds=0')])
      expect(headers['x-content-type-options']).toBe('nosniff');
  });
});

describe('many at a time', () => {
  it('wait for each other, and all are answered', async () => {
    const { ask, push } = await serving();
    await push('', Array.from({ length: 2000 }, (_, i) => `f${i % 50}{i="${i}"} 1\n`).join(''));
    const paths = [
      'families',
      'families/f1',
      'sources',
      'explain?match[]=f1',
      'metrics',
      'rules',
      'families?search=i%3D7',
    ];
    const replies = await Promise.all(
      Array.from({ length: 34 }, (_, i) => ask(`/api/v1/${paths[i % paths.length]}`)),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(34).fill(200));
    const crowd = await Promise.all(Array.from({ length: 90 }, () => ask('/api/v1/metrics')));
    expect(crowd.every(({ status }) => status === 200 || status === 503)).toBe(true);
    expect((await ask('/api/v1/families')).status).toBe(200);
  });

  it('readers come and go, and nothing is left of them', async () => {
    const { watch, push, ask } = await serving();
    for (let round = 0; round < 5; round += 1) {
      const readers = Array.from({ length: 8 }, () => watch());
      await waitFor(() => readers.every(({ events }) => events.length > 0));
      await push('', 'a 1\n');
      for (const reader of readers) reader.close();
      await waitFor(() => readers.every((reader) => reader.isOver()));
    }
    await waitFor(() => true);
    const all = Array.from({ length: 16 }, () => watch());
    await waitFor(() => all.every(({ events }) => events.length > 0));
    expect((await ask('/api/v1/watch?seconds=0')).status).toBe(429);
  });
});

describe('a token with few rights', () => {
  it('may validate what it may push, and read nothing', async () => {
    const tokens = [
      { name: 'pusher', sha256: digestOf('pusher'), may: ['push'] },
      { name: 'reader', sha256: digestOf('reader'), may: ['read'] },
    ];
    const { ask } = await serving({ rules: { access: { anonymous: [], tokens } } as never });
    const as = (name: string, path: string, method = 'GET') =>
      ask(`/api/v1/${path}`, {
        method,
        headers: { Authorization: `Bearer ${name}` },
        body: method === 'GET' ? undefined! : 'a 1\n',
      });
    const read = [
      'status/me',
      'watch?seconds=0',
      'families',
      'families/a',
      'sources',
      'explain?match[]=a',
      'history?family=a',
      'scrapers',
      'audit',
      'limits',
      'rules',
      'metrics',
      'openapi.json',
    ];
    for (const path of read) {
      expect((await as('pusher', path)).status, path).toBe(403);
      expect([200, 404], path).toContain((await as('reader', path)).status);
      expect((await ask(`/api/v1/${path}`)).status, path).toBe(401);
    }
    expect((await as('pusher', 'validate', 'POST')).status).toBe(200);
    expect((await as('reader', 'validate', 'POST')).status).toBe(403);
    expect((await as('pusher', 'explain/watch?family=a', 'POST')).status).toBe(403);
  });
});
