/** Whether a client certificate is one that may come in, as Go's crypto/tls and exporter-toolkit judge it. */
import type { TLSSocket } from 'node:tls';

import { canonicalName, namesIn } from './alternative-names.ts';
import { needsCertificate, verifiesCertificates } from './web-config.ts';
import type { ClientAuthType, TlsConfig } from './web-config.ts';

/** What a TLS server is told, as far as it can judge by itself. */
export function askForCertificates(auth: ClientAuthType): {
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
} {
  return {
    requestCert: auth !== 'NoClientCert',
    rejectUnauthorized: auth === 'RequireAndVerifyClientCert',
  };
}

type Peer = Pick<TLSSocket, 'authorized' | 'getPeerX509Certificate'>;

/** Why a connection is not let in; undefined where it is. To be asked once its handshake is done. */
export function whyNotLetIn(
  socket: Peer,
  { clientAuth, allowedSans }: Pick<TlsConfig, 'clientAuth' | 'allowedSans'>,
): string | undefined {
  if (clientAuth === 'NoClientCert') return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    return needsCertificate(clientAuth) ? 'it has no client certificate' : undefined;
  }
  if (verifiesCertificates(clientAuth) && !socket.authorized)
    return 'its client certificate is not from an authority that is accepted';
  if (allowedSans === undefined) return undefined;
  const names = namesIn(certificate.subjectAltName ?? '');
  return allowedSans.some((san) => names.has(canonicalName(san)))
    ? undefined
    : 'its client certificate has no name that is accepted';
}
