/** What an address serves and what a token may are asked both: neither stands for the other. */
import { createHash } from 'node:crypto';

import { expect, it } from 'vitest';

import { routeTable } from '../../src/http/routes/routes.ts';
import { roles } from '../../src/model/roles.ts';
import { pathOf } from '../http/path-of.ts';
import { ask, serve } from './serving.ts';

const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const rules = `access:
  anonymous: []
  tokens:
${roles.map((role) => `    - {name: ${role}, sha256: ${digestOf(role)}, may: [${role}]}\n`).join('')}`;

it.each(roles)('each route, with each right and without, on an address that serves %s', async (served) => {
  const { server, gateway } = await serve('', { rules, options: { enableAdminApi: true } });
  const { port } = (await server.listenOn({ host: '127.0.0.1', port: 0, served: new Set([served]) }))!;
  for (const { place, methods, handler, role: needed } of routeTable) {
    if (needed === undefined || handler === 'preflight') continue;
    for (const method of methods) {
      const body = method === 'POST' || method === 'PUT' ? 'a 1\n' : '';
      const asking = { plain: true, method, path: pathOf[place]!, body };
      const what = `${method} ${place}`;
      expect((await ask(port, asking)).status, `${what} without a token`).toBe(401);
      for (const role of roles) {
        const { status, text } = await ask(port, { ...asking, headers: { Authorization: `Bearer ${role}` } });
        const isServed = needed === served;
        // A reload is not enabled here.
        const isIn = status !== 404 && (status !== 403 || text.includes('--web.enable-lifecycle'));
        const expected = isServed && role === needed;
        expect(isIn, `${what} with ${role}: ${status} ${text}`).toBe(expected);
        if (!isServed) expect(status, what).toBe(404);
      }
    }
  }
  if (served !== 'push') expect(gateway.pushes).toEqual([]);
  if (served !== 'delete') expect(gateway.deletes).toEqual([]);
  if (served !== 'admin') expect(gateway.deletions).toEqual([]);
});
