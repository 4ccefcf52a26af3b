/** How a request stands in the list of what operators asked for. */
import type { AuditEntry, Who } from '../../gateway/insight-api.ts';
import type { Exchange } from '../connections/exchange.ts';

export function whoOf({ principal }: Pick<Exchange, 'principal'>, address: string | undefined): Who {
  return { name: principal?.name ?? null, address: address ?? null };
}

/** Of a request that takes something away. */
export function auditedAs({ path }: Pick<Exchange, 'path'>): AuditEntry['what'] {
  if (path === '/api/v1/sources') return 'delete_sources';
  if (path.endsWith('/delete_series')) return 'delete_series';
  return path.endsWith('/admin/wipe') ? 'wipe' : 'delete';
}
