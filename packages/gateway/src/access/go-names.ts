/** Names of Go's crypto/tls, in which web configuration files are written, as Node and OpenSSL call the same. */
import { createSecureContext, getCiphers } from 'node:tls';
import type { SecureVersion } from 'node:tls';

export const tlsVersions: Readonly<Record<string, SecureVersion>> = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
};

/** Go's of TLS 1.3, which is always offered with all of them. */
const alwaysOffered = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

const ciphers: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
};

const curves: Readonly<Record<string, string>> = {
  CurveP256: 'P-256',
  CurveP384: 'P-384',
  CurveP521: 'P-521',
  X25519: 'X25519',
  X25519MLKEM768: 'X25519MLKEM768',
};

export const cipherNames: readonly string[] = [...alwaysOffered, ...Object.keys(ciphers)];
export const curveNames: readonly string[] = Object.keys(curves);

/** Those of TLS 1.2 and before; undefined where this Node has not got one of them. */
export function cipherOf(name: string): { readonly cipher: string | undefined } | undefined {
  const cipher = ciphers[name];
  if (cipher === undefined) return { cipher: undefined };
  return getCiphers().includes(cipher.toLowerCase()) ? { cipher } : undefined;
}

/** Undefined where this Node has not got it. */
export function curveOf(name: string): string | undefined {
  const curve = curves[name]!;
  try {
    createSecureContext({ ecdhCurve: curve });
    return curve;
  } catch {
    return undefined;
  }
}
