/**
 * The cases of exporter-toolkit's own tests: which files can be used, and who is let in by them. Where this gateway does otherwise, the
 * row says why.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it, onTestFinished, test } from 'vitest';

import { readWebConfig } from '../../src/access/read-web-config.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { systemClock } from '../../src/primitives/clock.ts';
import { WebConfigFile } from '../../src/web-config-file.ts';
import { run } from '../http/helpers.ts';
import { accessBy, ask } from './serving.ts';
import type { Asking } from './serving.ts';

const data = fileURLToPath(new URL('../conformance/data/exporter-toolkit/testdata', import.meta.url));

/** Files that cannot be used, and why. */
const refused: readonly (readonly [file: string, why: RegExp])[] = [
  ['somefile', /no such file/],
  ['web_config_junk.yml', /must be a mapping/],
  ['web_config_junk_key.yml', /unknown key "cert_filse"; did you mean cert_file\?/],
  ['web_config_noAuth_certPath_empty.bad.yml', /a certificate is missing/],
  ['web_config_noAuth_cert_empty.bad.yml', /a certificate is missing/],
  ['web_config_noAuth_keyPath_empty.bad.yml', /the key of the certificate is missing/],
  ['web_config_noAuth_key_empty.bad.yml', /the key of the certificate is missing/],
  ['web_config_noAuth_certPath_keyPath_empty.bad.yml', /a certificate is missing/],
  ['web_config_noAuth_certPath_invalid.bad.yml', /no such file/],
  ['web_config_noAuth_keyPath_invalid.bad.yml', /no such file/],
  ['web_config_noAuth_certPath_keyPath_invalid.bad.yml', /no such file/],
  ['web_config_noAuth.bad.yml', /need a client_auth_type/],
  ['web_config_auth_clientCAs_invalid.bad.yml', /no such file/],
  ['web_config_auth_user_list_invalid.bad.yml', /not a bcrypt hash/],
  ['web_config_noAuth_inventedCiphers.bad.yml', /"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA2048" is not one of/],
  ['web_config_noAuth_inventedCurves.bad.yml', /"CurveP257" is not one of .*; did you mean CurveP256\?/],
  ['web_config_noAuth_wrongTLSVersion.bad.yml', /"TLS111" is not one of/],
  ['web_config_headers_content_type_options.bad.yml', /"sniff" is not one of nosniff/],
  ['web_config_headers_frame_options.bad.yml', /"foo" is not one of deny, sameorigin/],
  ['web_config_headers_extra_header.bad.yml', /unknown key "Content-Type"/],
];

/** What comes of a request: the status, or the part of the message by which the connection ended. */
type Outcome = number | RegExp;

const certificate = (name: string): Asking => ({
  cert: readFileSync(join(data, `${name}.pem`), 'utf8'),
  key: readFileSync(join(data, `${name}.key`), 'utf8'),
});
const BROKEN = /socket hang up|ECONNRESET|EPROTO|alert|closed/;
const GCM_128 = 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256';

const requests: [name: string, file: string, asking: Asking, outcome: Outcome, cipher?: string][] = [
  ['no file to speak of', 'web_config_empty.yml', { plain: true }, 200],
  [
    'no file to speak of, TLS client',
    'web_config_empty.yml',
    {},
    /wrong version number|packet length too long/,
  ],
  ['TLS, plain client', 'web_config_noAuth.good.yml', { plain: true }, BROKEN],
  ['TLS, TLS client', 'web_config_noAuth.good.yml', {}, 200],
  ['certificate and key in the file', 'web_config_noAuth_tlsInline.good.yml', {}, 200],
  [
    'a client of TLS 1.1',
    'web_config_noAuth.good.yml',
    { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' },
    /protocol version/,
  ],
  ['all cipher suites', 'web_config_noAuth_allCiphers.good.yml', {}, 200],
  [
    'some cipher suites',
    'web_config_noAuth_someCiphers.good.yml',
    { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
    200,
    GCM_128,
  ],
  [
    'no common cipher suite',
    'web_config_noAuth_someCiphers.good.yml',
    { ciphers: 'ECDHE-RSA-AES256-SHA' },
    /handshake failure/,
  ],
  [
    'the first of the client',
    'web_config_noAuth_someCiphers.good.yml',
    { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384' },
    200,
    GCM_128,
  ],
  [
    '… without an order of the server',
    'web_config_noAuth_someCiphers_noOrder.good.yml',
    { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384' },
    200,
    GCM_128,
  ],
  ['all curves', 'web_config_noAuth_allCurves.good.yml', {}, 200],
  ['a common curve', 'web_config_noAuth_someCurves.good.yml', { ecdhCurve: 'P-521' }, 200],
  ['no common curve', 'web_config_noAuth_someCurves.good.yml', { ecdhCurve: 'P-384' }, /handshake failure/],
  ['cipher suites that HTTP/2 may not have', 'web_config_noAuth_noHTTP2.good.yml', {}, 200],
  // The toolkit refuses it, as HTTP/2 is on; here there is none.
  ['… with HTTP/2', 'web_config_noAuth_noHTTP2Cipher.bad.yml', {}, 200],
  ['headers', 'web_config_headers.good.yml', { plain: true }, 200],
  [
    'any client certificate',
    'tls_config_noAuth.requireanyclientcert.good.yml',
    certificate('client_selfsigned'),
    200,
  ],
  [
    '… with the key in the file',
    'tls_config_noAuth.requireanyclientcertkeyinline.good.yml',
    certificate('client_selfsigned'),
    200,
  ],
  ['… and none', 'tls_config_noAuth.requireanyclientcert.good.yml', {}, BROKEN],
  [
    'a client certificate that is verified',
    'tls_config_noAuth.requireandverifyclientcert.good.yml',
    certificate('client_selfsigned'),
    200,
  ],
  [
    '… another one',
    'tls_config_noAuth.requireandverifyclientcert.good.yml',
    certificate('client2_selfsigned'),
    BROKEN,
  ],
  ['a name that is accepted', 'web_config_auth_client_san.good.yaml', certificate('client2_selfsigned'), 200],
  [
    'no name that is accepted',
    'web_config_auth_client_san.bad.yaml',
    certificate('client2_selfsigned'),
    BROKEN,
  ],
  ['no limit of rates', 'web_config_rate_limiter_nonblocking.yaml', { plain: true }, 200],
  ['a limit with a burst of none', 'web_config_rate_limiter_one_second.yaml', { plain: true }, 429],
  ['users, and nobody', 'web_config_users_noTLS.good.yml', { plain: true }, 401],
  ['users, one of them', 'web_config_users_noTLS.good.yml', { plain: true, auth: 'dave:dave123' }, 200],
  ['users over TLS, and nobody', 'web_config_users.good.yml', {}, 401],
  ['users over TLS, one of them', 'web_config_users.good.yml', { auth: 'dave:dave123' }, 200],
  ['users over TLS, another of them', 'web_config_users.good.yml', { auth: 'carol:carol123' }, 200],
  ['users over TLS, a wrong password', 'web_config_users.good.yml', { auth: 'dave:bad' }, 401],
];

describe('files that cannot be used', () => {
  it.each(refused)('%s', async (file, why) => {
    const { config, errors } = await readWebConfig(join(data, file));
    expect(config).toBeUndefined();
    expect(errors.join('\n')).toMatch(why);
  });

  it('are all but those with which requests are made, and one that only warns', async () => {
    const named = new Set([...refused, ...requests.map(([, file]) => [file])].map(([file]) => file));
    const others = readdirSync(data).filter((file) => /\.ya?ml$/.test(file) && !named.has(file));
    expect(others).toEqual([
      'web_config_auth_clientCAs_missing.bad.yml',
      'web_config_noAuth.good.blocking.yml',
    ]);
    const { config, warnings } = await readWebConfig(join(data, others[0]!));
    expect(config).toBeDefined();
    expect(warnings.join()).toMatch(/without client_ca_file/);
  });
});

describe('who is let in', () => {
  it.each(requests)('%s', async (_name, file, asking, outcome, cipher) => {
    const opened = await WebConfigFile.open({ path: join(data, file), clock: systemClock, log: silentLog });
    if (!(opened instanceof WebConfigFile)) throw new Error(opened.join('\n'));
    onTestFinished(() => opened.close());
    const { port } = await run({}, { access: accessBy(opened) });
    if (typeof outcome === 'number') {
      const answer = await ask(port, asking);
      expect(answer.status).toBe(outcome);
      if (cipher !== undefined) expect(answer.cipher).toBe(cipher);
    } else await expect(ask(port, asking)).rejects.toThrow(outcome);
  });
});

test('headers are those of the file', async () => {
  const { config } = await readWebConfig(join(data, 'web_config_headers.good.yml'));
  expect(config?.headers).toEqual([
    'X-Frame-Options',
    'deny',
    'Strict-Transport-Security',
    'max-age=31536000; includeSubDomains',
    'X-XSS-Protection',
    '1',
    'Content-Security-Policy',
    "default-src 'self' *.test.example.net",
  ]);
});
