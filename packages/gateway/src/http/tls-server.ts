/** Servers whose connections are encrypted, as a web configuration file says, and go on by what it says later. */
import type { Server } from 'node:http';
import { createServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';

import { askForCertificates } from '../access/client-certificates.ts';
import { contextOptions } from '../access/read-web-config.ts';
import type { Access } from '../access/access.ts';
import type { TlsConfig } from '../access/web-config.ts';
import type { RefusalLog } from './replies/refusal-log.ts';
import { senderOf } from './senders/sender.ts';

const HANDSHAKE_TIMEOUT_MS = 10_000;

export function createTlsServer(
  options: ServerOptions,
  tls: TlsConfig,
  { access, refusals }: { readonly access: Access; readonly refusals: RefusalLog },
): Server {
  const server = createServer({
    ...options,
    ...contextOptions(tls),
    ...askForCertificates(tls.clientAuth),
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    // A sender that has closed its side still waits for replies, as over HTTP.
    allowHalfOpen: true,
    ALPNProtocols: ['http/1.1'],
  });
  // Before any other listener, so that nothing is read of a connection that is not let in.
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const why = access.whyNotLetIn(socket);
    if (why === undefined) return;
    const remote = socket.remoteAddress;
    refusals.refused('connection closed', { remote, message: why }, { path: '', sender: senderOf(remote) });
    socket.destroy();
  });
  server.on(
    'tlsClientError',
    (error: NodeJS.ErrnoException & { readonly reason?: string }, socket: TLSSocket) => {
      const remote = socket.remoteAddress;
      socket.destroy();
      const message =
        error.code === 'ERR_SSL_HTTP_REQUEST'
          ? 'it sent HTTP to an HTTPS port'
          : (error.reason ?? error.message);
      refusals.refused('TLS handshake failed', { remote, message }, { path: '', sender: senderOf(remote) });
    },
  );
  access.whenTlsChanges((changed) => {
    server.setSecureContext(contextOptions(changed));
    // Asked of each new connection; there is no other way to change it.
    Object.assign(server, askForCertificates(changed.clientAuth));
  });
  return server;
}
