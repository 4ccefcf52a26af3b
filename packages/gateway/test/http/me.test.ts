/** What who asks may do here. */
import { createHash } from 'node:crypto';

import { expect, test } from 'vitest';

import { serving } from './serving-insight.ts';

test('without rules everything', async () => {
  const { ask, port } = await serving();
  const { data } = await ask('/api/v1/status/me');
  expect(data).toEqual({
    roles: ['push', 'delete', 'scrape', 'read', 'admin', 'lifecycle'],
    token: null,
    name: null,
    mode: 'add',
    routePrefix: '',
    pushUrl: `http://127.0.0.1:${port}/metrics/`,
    version: expect.any(String) as unknown,
    adminApi: false,
    member: null,
  });
});

test('with a token what it may, and its name', async () => {
  const sha256 = createHash('sha256').update('secret').digest('hex');
  const tokens = [{ name: 'web', sha256, may: ['push', 'read'] }];
  const { ask } = await serving({ rules: { access: { anonymous: ['push'], tokens } } as never });
  const mine = await ask('/api/v1/status/me', { headers: { Authorization: 'Bearer secret' } });
  expect(mine.data).toMatchObject({ roles: ['push', 'read'], token: 'web', name: 'token web' });
  expect((await ask('/api/v1/status/me')).status).toBe(401);
  expect((await ask('/api/v1/watch')).status).toBe(401);
});

test('below a prefix, with a Host that is no name', async () => {
  const { ask } = await serving({ routePrefix: '/gw', byJob: true } as never);
  const { data } = await ask('/gw/api/v1/status/me', { headers: { Host: 'x"<script>' } });
  expect(data).toMatchObject({
    routePrefix: '/gw',
    pushUrl: 'http://localhost:9091/gw/metrics/',
    mode: 'by-job',
  });
});
