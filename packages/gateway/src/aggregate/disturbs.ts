/**
 * Which changes a long push must not see while it is read: those by which a number of its batch would come to mean something else. All
 * that only changes totals of cells that are there can go on.
 */
import type { Batch } from './batch.ts';
import { CellKind } from './cells.ts';
import type { PushOrigin, State } from './state.ts';

/**
 * Whether a batch, once applied, might change what another one that is being read is made of. May say so where it would not, never the
 * other way round as far as `State.epoch` goes; whoever reads looks at that in the end.
 */
export function disturbs(
  state: State,
  { batch, origin }: { readonly batch: Batch; readonly origin: Pick<PushOrigin, 'source' | 'method'> },
  read: Batch,
): boolean {
  return (
    // Any push might have what is about to go.
    read.leaving.length > 0 ||
    bringsNews(batch) ||
    mayFree(state, batch, origin) ||
    (read.judged.length > 0 && hasUntyped(state, batch))
  );
}

function bringsNews({ fresh, families, turned }: Batch): boolean {
  if (fresh.length > 0 || turned.length > 0) return true;
  return families.some(({ known, sampled, changed }) => (known === undefined ? sampled : changed));
}

/** Whether cells may go that nobody holds any more: only where a source takes something back. */
function mayFree(
  state: State,
  batch: Batch,
  { source, method }: Pick<PushOrigin, 'source' | 'method'>,
): boolean {
  if (!state.rules.byJob) return false;
  const { list, contributions } = state.sources;
  const known = list.find(source);
  if (known < 0) return false;
  contributions.open(known);
  const { cells, cellsAt, length } = contributions;
  let isSame = length === batch.length + batch.began.length;
  for (let i = 0; i < batch.length; i += 1) {
    if (Number.isNaN(batch.values[i]!)) return true;
    isSame &&= cells[cellsAt + i] === batch.cells[i];
  }
  return !isSame && (method === 'PUT' || batch.grouped || state.rules.groups === true);
}

/** Whether a total changes by whose sign it was decided what an untyped series can be. */
function hasUntyped({ cells }: State, batch: Batch): boolean {
  for (let i = 0; i < batch.length; i += 1) if (cells.kind[batch.cells[i]!] === CellKind.UNTYPED) return true;
  return false;
}
