/**
 * Reads a web configuration file and the certificates that it names. All that is wrong is found, but for what can only be seen once the rest is
 * right. Lines of the file are never quoted: there are secrets in it.
 */
import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';

import { readText, whyUnreadable } from '../primitives/read-text.ts';
import { inTurns } from '../primitives/turns.ts';
import { FILE_BYTES_MAX, parseYaml } from '../rules/file/document.ts';
import { entry } from '../rules/file/entries.ts';
import type { Entry } from '../rules/file/entries.ts';
import { FileReader } from '../rules/file/file-reader.ts';
import { describeProblem, Problems } from '../rules/file/problems.ts';
import type { Place } from '../rules/file/problems.ts';
import { cipherOf, curveOf, tlsVersions } from './go-names.ts';
import { webTable } from './web-config-keys.ts';
import type { TlsKeys, WebKeys } from './web-config-keys.ts';
import { verifiesCertificates } from './web-config.ts';
import type { ClientAuthType, RateLimit, TlsConfig, WebConfig } from './web-config.ts';

/** Of a certificate, a key, or authorities, in a file. */
const PEM_BYTES_MAX = 2 ** 20;
/** A hash of this cost takes a second or so. */
const DEAR_COST = 14;
/** A hash of a higher cost would keep everybody with a dear one out, be the password right or wrong. */
const COST_MAX = 18;

export interface WebConfigRead {
  /** Undefined where there are errors. */
  readonly config: WebConfig | undefined;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** The file and those that it names. */
  readonly files: readonly string[];
}

/** Does not reject. */
export async function readWebConfig(path: string): Promise<WebConfigRead> {
  const files = [path];
  let text: string;
  try {
    text = await readText(path, FILE_BYTES_MAX + 1);
  } catch (error) {
    return { config: undefined, errors: [unreadable(path, error)], warnings: [], files };
  }
  const problems = new Problems(text);
  const keys = await inTurns(keysOf(text, problems));
  const config = keys === undefined ? undefined : await new Reader(path, files, problems).read(keys);
  const listed = problems.list();
  const lines = (severity: 'error' | 'warning'): readonly string[] =>
    listed.filter((each) => each.severity === severity).map((each) => describeProblem(path, each));
  return {
    config: problems.errors > 0 ? undefined : config,
    errors: lines('error'),
    warnings: lines('warning').map((line) => line.replace(': warning: ', ': ')),
    files,
  };
}

function* keysOf(text: string, problems: Problems): Generator<void, Entry<WebKeys>['keys'] | undefined> {
  if (Buffer.byteLength(text) > FILE_BYTES_MAX) {
    problems.error(BEGINNING, `the file is larger than ${FILE_BYTES_MAX} bytes`);
    return undefined;
  }
  const file = yield* parseYaml(text, problems);
  if (file === undefined) return undefined;
  if (file.root === undefined) return {};
  const reader = new FileReader(text, problems, file.targets);
  const root = reader.value('the file', file.root, BEGINNING)!;
  if (root.node === undefined) return {};
  // It may be a key that was named in the place of the file.
  if (!file.isMapping) {
    problems.error(BEGINNING, 'the file must be a mapping, with keys such as tls_server_config');
    return undefined;
  }
  return (yield* entry(webTable).read(root, reader))?.keys;
}

const BEGINNING: Place = { from: 0, to: 1 };

/** What is in PEM, and where the file speaks of it. */
interface Pem {
  readonly text: string;
  readonly at: Place;
}

class Reader {
  readonly #folder: string;
  readonly #files: string[];
  readonly #problems: Problems;

  /** Adds to `files`. */
  constructor(path: string, files: string[], problems: Problems) {
    this.#folder = dirname(path);
    this.#files = files;
    this.#problems = problems;
  }

  async read({
    tls_server_config: tls,
    http_server_config: http,
    basic_auth_users: users,
    rate_limit: rate,
  }: Entry<WebKeys>['keys']): Promise<WebConfig> {
    for (const { value, at, name } of users?.value ?? []) {
      if (name === '' || name.includes(':'))
        this.#problems.error(at, 'the name of a user is neither empty nor has it a colon');
      const cost = Number(/\$(\d\d)\$/.exec(value)?.[1]);
      if (cost > COST_MAX)
        this.#problems.error(
          at,
          `a bcrypt hash of cost ${cost} takes too long to check, and all others wait for it; 10 to 12 is usual`,
        );
      else if (cost > DEAR_COST)
        this.#problems.warning(at, `a bcrypt hash of cost ${cost} takes seconds to check; 10 to 12 is usual`);
    }
    return {
      tls: tls === undefined ? undefined : await this.#tls(tls.value.keys, tls.keyAt),
      headers: http === undefined ? [] : headersOf(http.value.keys),
      users: new Map((users?.value ?? []).map(({ name, value }) => [name, value])),
      rateLimit: rate === undefined ? undefined : rateOf(rate.value.keys),
    };
  }

  async #tls(keys: Entry<TlsKeys>['keys'], at: Place): Promise<TlsConfig | undefined> {
    const cert = await this.#pem(keys, 'cert', 'cert_file');
    const key = await this.#pem(keys, 'key', 'key_file');
    const clientCa = await this.#pem(keys, 'client_ca', 'client_ca_file');
    if (cert === undefined && !isGiven(keys, 'cert', 'cert_file'))
      this.#problems.error(at, 'a certificate is missing: cert_file, or cert');
    if (key === undefined && !isGiven(keys, 'key', 'key_file'))
      this.#problems.error(at, 'the key of the certificate is missing: key_file, or key');
    const clientAuth = keys.client_auth_type?.value ?? 'NoClientCert';
    this.#checkClients(keys, clientAuth, clientCa);
    const curves = this.#curves(keys);
    const ciphers = this.#ciphers(keys);
    if (cert === undefined || key === undefined) return undefined;
    const config = {
      cert: cert.text,
      key: key.text,
      clientCa: clientCa?.text,
      clientAuth,
      allowedSans: keys.client_allowed_sans?.value.map(({ value }) => value),
      minVersion: tlsVersions[keys.min_version?.value ?? 'TLS12']!,
      maxVersion: tlsVersions[keys.max_version?.value ?? 'TLS13']!,
      ciphers,
      curves,
      prefersServer: keys.prefer_server_cipher_suites?.value ?? true,
    };
    this.#checkPair(cert, key);
    if (config.minVersion > config.maxVersion)
      this.#problems.error(keys.min_version?.at ?? at, 'min_version is above max_version');
    if (this.#problems.errors === 0) this.#checkContext(config, at);
    return config;
  }

  /** Empty texts are as good as none, as in the toolkit. */
  async #pem<Inline extends keyof TlsKeys, File extends keyof TlsKeys>(
    keys: Entry<TlsKeys>['keys'],
    inline: Inline,
    file: File,
  ): Promise<Pem | undefined> {
    const text = keys[inline] as { readonly value: string; readonly at: Place } | undefined;
    const path = keys[file] as { readonly value: string; readonly at: Place } | undefined;
    if (path === undefined || path.value === '')
      return text === undefined || text.value === '' ? undefined : { text: text.value, at: text.at };
    if (text !== undefined && text.value !== '')
      this.#problems.error(path.at, `${inline} and ${file} are both there; remove one`);
    if (path.value.includes('\n')) {
      this.#problems.error(path.at, `${file} is the name of a file; for what is in it there is ${inline}`);
      return undefined;
    }
    const full = resolve(this.#folder, path.value);
    this.#files.push(full);
    try {
      return { text: await readText(full, PEM_BYTES_MAX), at: path.at };
    } catch (error) {
      this.#problems.error(path.at, `${file}: ${unreadable(full, error)}`);
      return undefined;
    }
  }

  #checkPair(cert: Pem, key: Pem): void {
    try {
      const certificate = new X509Certificate(cert.text);
      if (!certificate.checkPrivateKey(createPrivateKey(key.text)))
        this.#problems.error(key.at, 'the key is not that of the certificate');
      const days = (Date.parse(certificate.validTo) - Date.now()) / 86_400_000;
      if (days < 0)
        this.#problems.warning(
          cert.at,
          `the certificate has expired: it was valid to ${certificate.validTo}`,
        );
    } catch (error) {
      this.#problems.error(cert.at, `no usable certificate and key: ${reasonOf(error)}`);
    }
  }

  #checkClients(keys: Entry<TlsKeys>['keys'], auth: ClientAuthType, ca: Pem | undefined): void {
    const { client_auth_type: type, client_allowed_sans: sans } = keys;
    if (ca !== undefined && auth === 'NoClientCert')
      this.#problems.error(
        ca.at,
        'authorities of clients need a client_auth_type, such as RequireAndVerifyClientCert',
      );
    if (sans !== undefined && auth === 'NoClientCert')
      this.#problems.error(
        sans.at,
        'names of clients need a client_auth_type, such as RequireAndVerifyClientCert',
      );
    if (ca !== undefined && ca.text.trim() === '' && auth !== 'NoClientCert')
      this.#problems.error(ca.at, 'there is no certificate in it');
    const verifies = verifiesCertificates(auth);
    if (verifies && ca === undefined && !isGiven(keys, 'client_ca', 'client_ca_file'))
      this.#problems.warning(
        type!.at,
        'without client_ca_file, certificates of all public authorities are accepted',
      );
    if (sans !== undefined && !verifies && auth !== 'NoClientCert')
      this.#problems.warning(
        sans.at,
        `${auth} does not verify certificates, so anybody can make one with these names`,
      );
  }

  #ciphers({ cipher_suites: suites }: Entry<TlsKeys>['keys']): string | undefined {
    const found: string[] = [];
    for (const { value, at } of suites?.value ?? []) {
      const known = cipherOf(value);
      if (known === undefined) this.#problems.error(at, `${value} is not in this Node's OpenSSL`);
      else if (known.cipher !== undefined) found.push(known.cipher);
    }
    return found.length === 0 ? undefined : found.join(':');
  }

  #curves({ curve_preferences: curves }: Entry<TlsKeys>['keys']): string | undefined {
    const found: string[] = [];
    for (const { value, at } of curves?.value ?? []) {
      const curve = curveOf(value);
      if (curve === undefined) this.#problems.error(at, `${value} is not in this Node's OpenSSL`);
      else found.push(curve);
    }
    return found.length === 0 ? undefined : found.join(':');
  }

  #checkContext(config: TlsConfig, at: Place): void {
    try {
      createSecureContext(contextOptions(config));
    } catch (error) {
      this.#problems.error(at, `OpenSSL does not take it: ${reasonOf(error)}`);
    }
  }
}

/** What `createSecureContext` and servers take. */
export function contextOptions(config: TlsConfig): {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
  readonly minVersion: TlsConfig['minVersion'];
  readonly maxVersion: TlsConfig['maxVersion'];
  readonly ciphers?: string;
  readonly ecdhCurve?: string;
  readonly honorCipherOrder: boolean;
  readonly secureOptions?: number;
} {
  const { cert, key, clientCa, clientAuth, minVersion, maxVersion, ciphers, curves } = config;
  // OpenSSL has older versions at its lowest level of security alone.
  const isOld = minVersion === 'TLSv1' || minVersion === 'TLSv1.1';
  const suites = ciphers ?? (isOld ? 'DEFAULT' : undefined);
  return {
    cert,
    key,
    ca: clientCa,
    minVersion,
    maxVersion,
    honorCipherOrder: config.prefersServer,
    ...(suites === undefined ? {} : { ciphers: isOld ? `${suites}:@SECLEVEL=0` : suites }),
    ...(curves === undefined ? {} : { ecdhCurve: curves }),
    // A resumed session would go by the certificate that was shown when it began, and by the authorities of then.
    ...(clientAuth === 'NoClientCert' ? {} : { secureOptions: constants.SSL_OP_NO_TICKET }),
  };
}

function isGiven(keys: Entry<TlsKeys>['keys'], ...names: readonly (keyof TlsKeys)[]): boolean {
  return names.some((name) => keys[name] !== undefined && keys[name].value !== '');
}

function headersOf({ headers }: HttpKeysOf): readonly string[] {
  return Object.entries(headers?.value.keys ?? {})
    .filter(([name, { value }]) => value !== '' && name !== 'X-Content-Type-Options')
    .flatMap(([name, { value }]) => [name, value]);
}

type HttpKeysOf = NonNullable<Entry<WebKeys>['keys']['http_server_config']>['value']['keys'];
type RateKeysOf = NonNullable<Entry<WebKeys>['keys']['rate_limit']>['value']['keys'];

function rateOf({ interval, burst }: RateKeysOf): RateLimit | undefined {
  const intervalMs = interval?.value ?? 0;
  return intervalMs === 0 ? undefined : { intervalMs, burst: burst?.value ?? 0 };
}

function unreadable(path: string, error: unknown): string {
  return `${path}: ${whyUnreadable(error as NodeJS.ErrnoException)}`;
}

/** Of OpenSSL's errors the part that people read. */
function reasonOf(error: unknown): string {
  const { reason, message } = error as { readonly reason?: string; readonly message: string };
  return reason ?? message;
}
