/**
 * What a web configuration file says, in the format of Prometheus' exporter-toolkit: how connections are encrypted, which
 * headers replies have, and who may come in.
 */
import type { SecureVersion } from 'node:tls';

export const clientAuthTypes = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;

/** Names as in Go's crypto/tls. */
export type ClientAuthType = (typeof clientAuthTypes)[number];

export function needsCertificate(auth: ClientAuthType): boolean {
  return auth === 'RequireAnyClientCert' || auth === 'RequireAndVerifyClientCert';
}

/** Whether one that is shown has to be from an authority that is accepted. */
export function verifiesCertificates(auth: ClientAuthType): boolean {
  return auth === 'VerifyClientCertIfGiven' || auth === 'RequireAndVerifyClientCert';
}

export interface TlsConfig {
  /** In PEM. */
  readonly cert: string;
  readonly key: string;
  /** Of clients; the authorities that Node knows where it is undefined. */
  readonly clientCa: string | undefined;
  readonly clientAuth: ClientAuthType;
  /** A client certificate needs one of them; undefined where any will do. */
  readonly allowedSans: readonly string[] | undefined;
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  /** As OpenSSL has them. Undefined: Node's. */
  readonly ciphers: string | undefined;
  readonly curves: string | undefined;
  /** Whose order of cipher suites holds. */
  readonly prefersServer: boolean;
}

/** A bucket of tokens for all requests together. */
export interface RateLimit {
  readonly intervalMs: number;
  readonly burst: number;
}

export interface WebConfig {
  /** Undefined for plain HTTP. */
  readonly tls: TlsConfig | undefined;
  /** Names and values by turns, for every reply. */
  readonly headers: readonly string[];
  /** bcrypt hashes of passwords, by user; empty where everybody may come in. */
  readonly users: ReadonlyMap<string, string>;
  readonly rateLimit: RateLimit | undefined;
}
