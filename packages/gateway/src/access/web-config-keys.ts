/** All keys of a web configuration file, as exporter-toolkit has them. */
import { quote } from '../primitives/quote.ts';
import { entry, named } from '../rules/file/entries.ts';
import type { Entry, Table } from '../rules/file/entries.ts';
import { didYouMean, duration, list, parsed, text, word } from '../rules/file/kinds.ts';
import type { Located, ValueKind } from '../rules/file/kinds.ts';
import { RuleProblem } from '../rules/rule-problem.ts';
import { cipherNames, curveNames, tlsVersions } from './go-names.ts';
import { clientAuthTypes } from './web-config.ts';
import type { ClientAuthType } from './web-config.ts';

export interface TlsKeys {
  readonly cert: string;
  readonly cert_file: string;
  readonly key: string;
  readonly key_file: string;
  readonly client_ca: string;
  readonly client_ca_file: string;
  readonly client_auth_type: ClientAuthType;
  readonly client_allowed_sans: readonly Located<string>[];
  readonly min_version: string;
  readonly max_version: string;
  readonly cipher_suites: readonly Located<string>[];
  readonly prefer_server_cipher_suites: boolean;
  readonly curve_preferences: readonly Located<string>[];
}

interface HeaderKeys {
  readonly 'Content-Security-Policy': string;
  readonly 'X-Frame-Options': string;
  readonly 'X-Content-Type-Options': string;
  readonly 'X-XSS-Protection': string;
  readonly 'Strict-Transport-Security': string;
}

interface HttpKeys {
  readonly http2: boolean;
  readonly headers: Entry<HeaderKeys>;
}

interface RateKeys {
  readonly interval: number;
  readonly burst: number;
}

export interface WebKeys {
  readonly tls_server_config: Entry<TlsKeys>;
  readonly http_server_config: Entry<HttpKeys>;
  readonly basic_auth_users: readonly (Located<string> & { readonly name: string })[];
  readonly rate_limit: Entry<RateKeys>;
}

const flag: ValueKind<boolean> = parsed('true or false', { enum: [true, false] }, (each) => {
  if (/^(true|false)$/i.test(each)) return each.toLowerCase() === 'true';
  throw new RuleProblem('it must be true or false');
});

const whole: ValueKind<number> = parsed('a whole number', { type: 'integer', minimum: 0 }, (each) => {
  if (/^\d{1,9}$/.test(each)) return Number(each);
  throw new RuleProblem('it must be a whole number from 0 on');
});

/** Blank is as good as left out, and one has an older name. */
const authType: ValueKind<ClientAuthType> = parsed('a policy', { enum: clientAuthTypes }, (each) => {
  if (each === '') return 'NoClientCert';
  const known = each === 'RequireClientCert' ? 'RequireAnyClientCert' : each;
  const found = clientAuthTypes.find((type) => type === known);
  if (found !== undefined) return found;
  throw new RuleProblem(
    `${quote(each)} is not one of ${clientAuthTypes.join(', ')}${didYouMean(each, clientAuthTypes)}`,
  );
});

/** A reply could be split in two by a value with line breaks. */
const headerValue: ValueKind<string> = parsed('a string', {}, (each) => {
  // oxlint-disable-next-line no-control-regex -- those are what no header may have
  if (/[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]/.test(each))
    throw new RuleProblem('it has a character that no header may have');
  return each;
});

const hash: ValueKind<string> = parsed('a bcrypt hash', { pattern: '^\\$2[abxy]?\\$' }, (each) => {
  const [, cost] = /^\$2[abxy]?\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(each) ?? [];
  // It is not quoted: it may be the password itself.
  if (cost === undefined)
    throw new RuleProblem('it is not a bcrypt hash; make one with htpasswd -nBC 10 "" | tr -d ":\\n"');
  if (Number(cost) < 4 || Number(cost) > 31)
    throw new RuleProblem(`the cost of a bcrypt hash is from 4 to 31, not ${Number(cost)}`);
  return each;
});

const texts = (of: string): ValueKind<readonly Located<string>[]> =>
  list(text, { of, wanted: 'a list of strings' });

export const tlsTable: Table<TlsKeys> = {
  name: 'tls_server_config',
  keys: {
    cert: {
      kind: text,
      doc: 'Certificate of the server and those between it and its authority, in PEM.',
      example: '-----BEGIN CERTIFICATE-----…',
    },
    cert_file: { kind: text, doc: 'A file with the same.', example: 'server.crt' },
    key: {
      kind: text,
      doc: 'Private key of the certificate, in PEM.',
      example: '-----BEGIN PRIVATE KEY-----…',
    },
    key_file: { kind: text, doc: 'A file with the same.', example: 'server.key' },
    client_ca: {
      kind: text,
      doc: 'Authorities that client certificates may be from, in PEM.',
      example: '-----BEGIN CERTIFICATE-----…',
    },
    client_ca_file: { kind: text, doc: 'A file with the same.', example: 'clients.crt' },
    client_auth_type: {
      kind: authType,
      doc: 'Whether clients have to show a certificate, and whether it is verified: `RequestClientCert` and `RequireAnyClientCert` do not verify it.',
      default: 'NoClientCert',
      example: 'RequireAndVerifyClientCert',
    },
    client_allowed_sans: {
      kind: texts('a name'),
      doc: 'A client certificate must have one of these as a subject alternative name: a DNS name, an address, an e-mail address or a URI.',
      default: 'any',
      example: '[ci.example]',
    },
    min_version: {
      kind: word(Object.keys(tlsVersions)),
      doc: 'Oldest version of TLS that is accepted.',
      default: 'TLS12',
      example: 'TLS13',
    },
    max_version: {
      kind: word(Object.keys(tlsVersions)),
      doc: 'Newest version.',
      default: 'TLS13',
      example: 'TLS13',
    },
    cipher_suites: {
      kind: list(word(cipherNames), { of: 'a cipher suite', wanted: 'a list of cipher suites' }),
      doc: 'Cipher suites up to TLS 1.2, by their names in Go. Those of TLS 1.3 are always offered.',
      default: "Node's",
      example: '[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]',
    },
    prefer_server_cipher_suites: {
      kind: flag,
      doc: 'Whether the order of `cipher_suites` holds, rather than that of the client.',
      default: 'true',
      example: 'false',
    },
    curve_preferences: {
      kind: list(word(curveNames), { of: 'a curve', wanted: 'a list of curves' }),
      doc: 'Elliptic curves, the preferred ones first, by their names in Go.',
      default: "Node's",
      example: '[X25519, CurveP256]',
    },
  },
};

export const headersTable: Table<HeaderKeys> = {
  name: 'headers',
  keys: {
    'Content-Security-Policy': {
      kind: headerValue,
      doc: 'Sent as it is; left out if blank.',
      example: "default-src 'self'",
    },
    'X-Frame-Options': { kind: word(['deny', 'sameorigin']), doc: 'Sent as it is.', example: 'deny' },
    'X-Content-Type-Options': {
      kind: word(['nosniff']),
      doc: 'Sent with every reply in any case.',
      example: 'nosniff',
    },
    'X-XSS-Protection': { kind: headerValue, doc: 'Sent as it is; left out if blank.', example: "'0'" },
    'Strict-Transport-Security': {
      kind: headerValue,
      doc: 'Sent as it is; left out if blank. Browsers remember it for all ports of the host.',
      example: 'max-age=31536000',
    },
  },
};

export const httpTable: Table<HttpKeys> = {
  name: 'http_server_config',
  keys: {
    http2: { kind: flag, doc: 'Accepted; HTTP/2 is not served.', default: 'true', example: 'false' },
    headers: {
      kind: entry(headersTable),
      doc: 'Headers that all replies have.',
      default: '{}',
      example: '{X-Frame-Options: deny}',
    },
  },
};

export const rateTable: Table<RateKeys> = {
  name: 'rate_limit',
  keys: {
    interval: {
      kind: duration,
      doc: 'Time after which one more request is let in; `0` for no limit.',
      default: '0',
      example: '10ms',
    },
    burst: {
      kind: whole,
      doc: 'How many are let in at once after a while without any.',
      default: '0',
      example: '100',
    },
  },
};

export const webTable: Table<WebKeys> = {
  name: 'the file',
  keys: {
    tls_server_config: {
      kind: entry(tlsTable),
      doc: 'Certificates, and how connections are encrypted. If left out, they are not.',
      example: '{cert_file: server.crt, key_file: server.key}',
    },
    http_server_config: {
      kind: entry(httpTable),
      doc: 'Headers of replies.',
      example: '{headers: {X-Frame-Options: deny}}',
    },
    basic_auth_users: {
      kind: named(hash, { of: 'the hash of', wanted: 'a mapping of users to bcrypt hashes' }),
      doc: 'Users who may use everything, and bcrypt hashes of their passwords. If empty, no password is needed.',
      default: '{}',
      example: '{ops: $2y$10$…}',
    },
    rate_limit: {
      kind: entry(rateTable),
      doc: 'Of all requests together; further ones are answered 429.',
      default: '{}',
      example: '{interval: 10ms, burst: 100}',
    },
  },
};
