/** No token, password or key is in anything that the process says, wherever a sender puts it. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, expect, onTestFinished, test, vi } from 'vitest';

import { newToken } from '../../src/access/new-token.ts';
import { assemble } from '../../src/assemble.ts';
import { defaultGatewayOptions } from '../../src/gateway/options.ts';
import { defaultHttpOptions } from '../../src/http/options.ts';
import { systemClock } from '../../src/primitives/clock.ts';
import { hideTokens } from '../../src/primitives/hide-tokens.ts';
import { describeProblem, showProblem } from '../../src/rules/file/problems.ts';
import { readRules } from '../../src/rules/file/read-rules.ts';
import { WebConfigFile } from '../../src/web-config-file.ts';
import { collectingLog } from '../support/collecting-log.ts';
import { temporaryFolder } from '../support/folders.ts';
import { runGateway } from '../support/process.ts';
import { ask } from './serving.ts';
import type { Asking } from './serving.ts';

/** With a character at which parsers of selectors stop. */
function tokenWithHyphen(): { readonly token: string; readonly line: string } {
  const token = newToken().token.replace(/(?<=^.{14})./, '-');
  return { token, line: `sha256: ${createHash('sha256').update(token).digest('hex')}` };
}

const [right, inUrl, old, unknown] = [tokenWithHyphen(), tokenWithHyphen(), tokenWithHyphen(), newToken()];
const PASSWORD = 'dave123';
const HASH = '$2b$04$OwAfr0Ey5tBiJ.YO0D2l0ugpReyWK5y7/Pcp.Ey9NH5sVG3JR3ZeC';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
/** Of each the end as well, as messages cut long texts, and all of it in the forms that it was sent in. */
const secrets = [right, inUrl, old, unknown]
  .flatMap(({ token }) => [token.slice(4, 24), token.slice(-20), base64(`x:${token}`), base64(token)])
  .concat(PASSWORD, base64(`dave:${PASSWORD}`), HASH);

const rules = `access:
  anonymous: [scrape, read]
  tokens:
    - {name: right, ${right.line}, sources: '{job="x"}', may: [push, delete, admin, lifecycle]}
    - {name: in-url, ${inUrl.line}, in_url: true}
    - {name: old, ${old.line}, expires: 2020-01-01}
`;

const post = { method: 'POST', body: 'a 1\n' };

/** Where a sender may put it. */
const places: readonly ((token: string) => Asking)[] = [
  (token) => ({ ...post, path: '/metrics/job/x', headers: { Authorization: `Bearer ${token}` } }),
  (token) => ({ ...post, path: '/metrics/job/other', headers: { Authorization: `Bearer ${token}` } }),
  (token) => ({
    ...post,
    path: '/metrics/job/x',
    body: 'a x\n',
    headers: { Authorization: `Bearer ${token}` },
  }),
  (token) => ({ ...post, path: '/metrics/job/x', headers: { Authorization: token } }),
  (token) => ({ ...post, path: '/metrics/job/x', headers: { Authorization: `Token ${token}` } }),
  (token) => ({ ...post, path: '/metrics/job/x', auth: `x:${token}` }),
  (token) => ({ ...post, path: '/metrics/job/x', auth: `${token}:x` }),
  (token) => ({ ...post, path: `/metrics/job/x?token=${token}` }),
  (token) => ({ ...post, path: `/metrics/job/x?access_token=${token}` }),
  (token) => ({ ...post, path: `/metrics/job/${token}` }),
  (token) => ({ ...post, path: `/metrics/job/x/token/${token}` }),
  (token) => ({ ...post, path: `/metrics/job/x/${token}` }),
  (token) => ({ ...post, path: `/metrics/${'y'.repeat(150)}/${token}` }),
  (token) => ({ ...post, path: `/metrics/job/token=${token}` }),
  (token) => ({ ...post, path: `/${token}` }),
  (token) => ({ path: `/metrics/${token}` }),
  (token) => ({ path: `/${token}/metrics` }),
  (token) => ({ method: 'DELETE', path: `/metrics/job/${token}` }),
  (token) => ({ method: 'PATCH', path: `/metrics/job/${token}` }),
  (token) => ({ method: 'POST', path: `/-/reload/${token}` }),
  (token) => ({ method: 'PUT', path: `/api/v1/admin/wipe?token=${token}` }),
  (token) => ({ method: 'POST', path: `/api/v1/admin/tsdb/delete_series?match[]=${token}{` }),
  (token) => ({ path: `/api/v1/labels?match[]=${token}{` }),
  (token) => ({ path: `/api/v1/labels?limit=${token}` }),
  (token) => ({ path: `/api/v1/label/${token}%ff/values` }),
  ...['X-Token', 'Cookie', 'Content-Type', 'Content-Encoding', 'Accept', 'Origin', 'Idempotency-Key'].map(
    (name) => (token: string) => ({ ...post, path: '/metrics/job/x', headers: { [name]: token } }),
  ),
];

afterEach(() => vi.restoreAllMocks());

test('what is logged and replied, metrics and pages', async () => {
  const web = join(temporaryFolder(), 'web.yml');
  writeFileSync(web, `basic_auth_users: {dave: ${HASH}}\n`);
  const { log, lines } = collectingLog({ isDebugEnabled: true });
  const webConfig = await WebConfigFile.open({ path: web, clock: systemClock, log });
  if (!(webConfig instanceof WebConfigFile)) throw new Error(webConfig.join('\n'));
  const { gateway, server } = assemble({
    gatewayOptions: defaultGatewayOptions,
    httpOptions: { ...defaultHttpOptions, enableAdminApi: true },
    memoryBytes: 2 ** 30,
    clock: systemClock,
    log,
    rules: readRules(rules).rules!,
    webConfig,
  });
  onTestFinished(async () => {
    webConfig.close();
    await server.close();
    await gateway.close();
  });
  const { port } = (await server.listenOn({ host: '127.0.0.1', port: 0 }))!;
  // Of many refusals in a second most are not logged.
  let skippedMs = 0;
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + skippedMs);
  const said: string[] = [];
  const statuses = new Set<number>();
  const send = async (asking: Asking): Promise<void> => {
    skippedMs += 1_001;
    const { status, headers, text } = await ask(port, { plain: true, ...asking });
    statuses.add(status);
    said.push(JSON.stringify([headers, text]));
  };
  for (const { token } of [right, inUrl, old, unknown]) {
    for (const place of places) {
      const asking = place(token);
      await send(asking);
      await send({ ...asking, headers: { Accept: 'application/problem+json', ...asking.headers } });
      // By one who may, so that more is looked at than who it is.
      if (asking.auth === undefined && asking.headers?.['Authorization'] === undefined)
        for (const who of [`x:${right.token}`, `dave:${PASSWORD}`]) await send({ ...asking, auth: who });
    }
  }
  for (const auth of [`dave:${PASSWORD}`, `dave:not${PASSWORD}`, `eve:${PASSWORD}`, `${PASSWORD}:x`])
    for (const asking of [post, {}, { method: 'DELETE' }])
      await send({ path: '/metrics/job/x', ...asking, auth });
  for (const path of ['/', '/-/metrics']) await send({ path, auth: `dave:${PASSWORD}` });
  expect([...statuses]).toEqual(expect.arrayContaining([200, 202, 400, 401, 403, 404]));
  const logged = lines.map((line) => JSON.stringify(line));
  for (const what of ['push accepted', 'push refused', 'delete refused', 'admin request refused', 'pag_***'])
    expect(
      logged.some((line) => line.includes(what)),
      what,
    ).toBe(true);
  expect(logged.some((line) => line.includes('suppressed'))).toBe(false);
  expect(said.some((reply) => reply.includes('pag_***'))).toBe(true);
  for (const text of [...said, ...logged]) for (const secret of secrets) expect(text).not.toContain(secret);
});

test('what is wrong with a configuration file', () => {
  const digest = createHash('sha256').update(right.token).digest('hex');
  for (const wrong of [
    rules.replace(digest, right.token),
    rules.replace('sha256:', `sha256: ${right.token}, sha265:`),
    rules.replace('name: right', `name: "${right.token}!"`),
    `${rules}      token: ${right.token}\n`,
    `${rules}  ${right.token}: 1\n`,
    rules.replace('{job="x"}', `{job="${right.token}"`),
  ]) {
    const { problems } = readRules(wrong);
    expect(problems, wrong).not.toEqual([]);
    const shown = problems
      .map((problem) => describeProblem('f', problem) + showProblem('f', problem))
      .join('');
    for (const secret of secrets) expect(shown, wrong).not.toContain(secret);
  }
});

test('what config test prints', async () => {
  const folder = temporaryFolder();
  const [path, body] = [join(folder, 'gateway.yaml'), join(folder, 'body')];
  writeFileSync(path, rules);
  writeFileSync(body, `a{token="${right.token}"} x\n${right.token}\n`);
  const { stdout, stderr } = await runGateway([
    'config',
    'test',
    path,
    `--push=${body}`,
    `--path=job/x/${right.token}`,
  ]);
  expect(stderr).toContain('refused');
  for (const secret of secrets) expect(`${stdout}${stderr}`).not.toContain(secret);
});

test('only what is as long as a token, or cut, is taken for one', () => {
  const { token } = right;
  expect(hideTokens(`a ${token}, "${token}" and /${token.slice(0, 20)}…`)).toBe(
    'a pag_***, "pag_***" and /pag_***…',
  );
  expect(hideTokens('pag_http_request_duration_seconds_bucket')).toBe(
    'pag_http_request_duration_seconds_bucket',
  );
});
