/** Operator, account and user of NATS' decentralized authentication, as its command line tools make them. */
import { randomUUID } from 'node:crypto';

import { createAccount, createOperator, createUser } from '@nats-io/nkeys';
import type { KeyPair } from '@nats-io/nkeys';

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

function jwt(issuer: KeyPair, subject: KeyPair, name: string, nats: object): string {
  const claims = {
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name,
    nats: { version: 2, ...nats },
  };
  const signed = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded(claims)}`;
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString('base64url')}`;
}

/** Lines for the configuration of servers, and the file for who may use them. */
export function decentralized(): { readonly config: readonly string[]; readonly creds: string } {
  const [operator, system, account, user] = [
    createOperator(),
    createAccount(),
    createAccount(),
    createUser(),
  ];
  const unlimited = {
    subs: -1,
    data: -1,
    payload: -1,
    imports: -1,
    exports: -1,
    wildcards: true,
    conn: -1,
    leaf: -1,
  };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const ofUser = jwt(account, user, 'gateway', { type: 'user', subs: -1, data: -1, payload: -1 });
  const ofAccount = jwt(operator, account, 'metrics', {
    type: 'account',
    limits: { ...unlimited, ...storage },
  });
  const ofSystem = jwt(operator, system, 'SYS', { type: 'account', limits: unlimited });
  return {
    config: [
      `operator: ${jwt(operator, operator, 'operator', { type: 'operator' })}`,
      `system_account: ${system.getPublicKey()}`,
      'resolver: MEMORY',
      `resolver_preload: { ${account.getPublicKey()}: ${ofAccount}, ${system.getPublicKey()}: ${ofSystem} }`,
    ],
    creds: `-----BEGIN NATS USER JWT-----\n${ofUser}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${textOf(user.getSeed())}\n------END USER NKEY SEED------\n`,
  };
}
