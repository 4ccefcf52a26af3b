/** What it costs a small push to come with a token that has rights and sets a label, beside many rules, and to come encrypted. */
import { createHash } from 'node:crypto';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Sizes } from './options.ts';
import { startGateway, temporaryFolder } from './processes.ts';
import type { Server } from './processes.ts';
import { measureInTurn } from './pushes.ts';
import type { Finding } from './report.ts';
import { createWorkload } from './workloads.ts';

const TOKEN = 'pag_bench';
const RULES = 100;

/** Of tests; they protect nothing. */
const certificates = fileURLToPath(new URL('../../test/access/certificates', import.meta.url));

export async function measureAccess(sizes: Sizes): Promise<readonly Finding[]> {
  const plain = await startGateway();
  const withToken = await startGateway({ flags: [`--config.file=${rulesFile()}`] });
  const overTls = await startGateway({ isTls: true, flags: [`--web.config.file=${webConfigFile()}`] });
  const servers: readonly Server[] = [plain, withToken, overTls];
  const workload = createWorkload('small', sizes);
  const figures = await measureInTurn(servers, workload, { sizes }, (target) =>
    target === withToken ? TOKEN : undefined,
  );
  for (const server of servers) await server.stop();
  const finding = (work: string, server: Server, most: number): Finding => {
    const [own, least] = [figures.get(server)!.cpuMicros, figures.get(plain)!.cpuMicros];
    return {
      work: `small push ${work}, CPU per push`,
      reach: `≤ ${most} × without`,
      measured: `${(own / least).toFixed(2)} × (${own.toFixed(1)} µs, without ${least.toFixed(1)} µs)`,
      met: own / least <= most,
    };
  };
  return [
    finding(`with a token, set_labels and ${RULES} rules`, withToken, 1.08),
    finding('over TLS, connections kept', overTls, 1.6),
  ];
}

function rulesFile(): string {
  const path = join(temporaryFolder(), 'gateway.yaml');
  const sha256 = createHash('sha256').update(TOKEN).digest('hex');
  const rules = {
    access: {
      anonymous: [],
      tokens: [{ name: 'bench', sha256, metrics: '{__name__=~"http_.*"}', set_labels: { site: 'bench' } }],
    },
    metrics: Array.from({ length: RULES }, (_, i) => ({
      match: `{__name__=~"metric_${i}_.*",zone=~"eu-.*"}`,
      without: ['pod'],
    })),
  };
  writeFileSync(path, JSON.stringify(rules));
  return path;
}

function webConfigFile(): string {
  const folder = temporaryFolder();
  cpSync(certificates, folder, { recursive: true });
  const path = join(folder, 'web.yml');
  writeFileSync(path, 'tls_server_config: {cert_file: server.crt, key_file: server.key}');
  return path;
}
