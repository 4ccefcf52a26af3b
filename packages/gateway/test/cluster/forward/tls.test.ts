/** Members that reach each other by TLS, with certificates of their own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, onTestFinished, test } from 'vitest';

import { systemClock } from '../../../src/primitives/clock.ts';
import { silentLog } from '../../../src/primitives/log.ts';
import { WebConfigFile } from '../../../src/web-config-file.ts';
import { accessBy } from '../../access/serving.ts';
import { FakeGateway, sendTo } from '../../http/helpers.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { Members } from './members.ts';

const certificates = fileURLToPath(new URL('../../access/certificates', import.meta.url));
const read = (name: string): Buffer => readFileSync(join(certificates, name));

/** A leader that wants a certificate of who connects, and a member that takes requests in the clear. */
async function pair(tls: NonNullable<NonNullable<Parameters<Members['add']>[2]>['tls']>) {
  const path = join(temporaryFolder(), 'web.yml');
  const at = (name: string): string => JSON.stringify(join(certificates, name));
  writeFileSync(
    path,
    `tls_server_config: {cert_file: ${at('server.crt')}, key_file: ${at('server.key')}, client_ca_file: ${at('ca.crt')}, client_auth_type: RequireAndVerifyClientCert}`,
  );
  const file = await WebConfigFile.open({ path, clock: systemClock, log: silentLog });
  if (!(file instanceof WebConfigFile)) throw new Error(file.join());
  onTestFinished(() => file.close());
  const members = new Members();
  const gateway = new FakeGateway();
  const a = await members.add('a', gateway, { access: accessBy(file) });
  a.wire.isTls = true;
  const b = await members.add('b', new FakeGateway(), { tls, bounds: { holdMs: 500 } });
  members.lead(a);
  const push = () => sendTo(b.port, 'POST', '/metrics/job/a', { body: 'a 1\n' });
  return { gateway, push, a, b };
}

test('a leader is reached by TLS, on connections that are kept', async () => {
  const { gateway, push } = await pair({
    ca: read('ca.crt'),
    cert: read('client.crt'),
    key: read('client.key'),
  });
  for (let i = 0; i < 3; i += 1) expect((await push()).status).toBe(202);
  expect(gateway.pushes.length).toBe(3);
});

test.each([
  ['whom nobody here trusts', {}, /self.signed|unable to (?:verify|get)/],
  ['that wants a certificate', { ca: read('ca.crt') }, /^(?:ERR_SSL_\w+|socket hang up|.*ECONNRESET.*)$/],
  [
    'that trusts others',
    { ca: read('ca.crt'), cert: read('stranger.crt'), key: read('stranger.key') },
    /^(?:ERR_SSL_\w+|socket hang up|.*ECONNRESET.*)$/,
  ],
])('a leader %s gets nothing', async (_who, tls, expected) => {
  const { gateway, push, b } = await pair(tls);
  const reply = await push();
  expect([reply.status, reply.text]).toEqual([
    503,
    expect.stringContaining('the leader does not answer; retry later\n'),
  ]);
  expect(b.fields.map(({ why }) => why)).toEqual([expect.stringMatching(expected)]);
  expect(gateway.pushes.length).toBe(0);
});
