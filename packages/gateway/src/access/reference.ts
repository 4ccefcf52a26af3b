import { section } from '../rules/file/reference.ts';
import { headersTable, httpTable, rateTable, tlsTable, webTable } from './web-config-keys.ts';

/** docs/reference/web-configuration.md, made from the tables of keys. */
export function webConfigReference(): string {
  return `${[
    '# Web configuration file',
    '',
    'Made from the tables in `packages/gateway/src/access` by `npm run reference`; do not edit.',
    '',
    "The file of `--web.config.file` has the format of Prometheus' exporter-toolkit. Every key is optional; an empty text is as good as none. Paths are relative to the folder of the file. It is read again within about a second after it, or a file that it names, has changed. See [access](../guides/access.md).",
    '',
    ...section('Keys', webTable),
    ...section('`tls_server_config`', tlsTable),
    ...section('`http_server_config`', httpTable),
    ...section('`http_server_config.headers`', headersTable),
    ...section('`rate_limit`', rateTable),
    '## What is different from the toolkit',
    '',
    '- HTTP/2 is not served, so any cipher suites go with `http2: true`.',
    '- `tls_server_config` without a certificate is an error; the toolkit serves plain HTTP where it has nothing but versions or cipher suites.',
    '- `cert` and `cert_file` together are an error, and so are the other pairs.',
    '- `prefer_server_cipher_suites` holds up to TLS 1.2; the toolkit ignores it.',
    '- `/-/healthy`, `/-/ready` and preflights of browsers need no password.',
    '- Wrong passwords are limited for each address.',
    '- A file that becomes invalid changes nothing; the toolkit answers 500.',
  ].join('\n')}\n`;
}
