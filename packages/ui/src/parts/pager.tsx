import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { plural, whole } from '../lib/format.ts';
import type { Page } from '../lib/types.ts';

/** Where one is among pages of a list, of which each says only where the next one begins. */
export interface Paging {
  readonly after: string | undefined;
  readonly number: number;
  readonly next: (cursor: string) => void;
  readonly previous: () => void;
}

/** Back at the first page whenever `question` changes. */
export function usePaging(question: string): Paging {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  useEffect(() => setCursors([]), [question]);
  return {
    after: cursors.at(-1),
    number: cursors.length + 1,
    next: (cursor) => setCursors([...cursors, cursor]),
    previous: () => setCursors(cursors.slice(0, -1)),
  };
}

export function Pager({
  page,
  paging,
  noun,
  size,
}: {
  page: Page;
  paging: Paging;
  noun: readonly [one: string, many: string];
  size: number;
}): JSX.Element | null {
  const { total, next } = page;
  if (next === undefined && paging.number === 1) return null;
  const pages = total === undefined ? '' : ` of ${whole(Math.max(1, Math.ceil(total / size)))}`;
  return (
    <nav class="pager" aria-label={`Pages of ${noun[1]}`}>
      <button type="button" disabled={paging.number === 1} onClick={paging.previous}>
        ← Previous
      </button>
      <span role="status">
        Page {whole(paging.number)}
        {pages}
        {total === undefined ? '' : `, ${plural(total, noun[0], noun[1])}`}
      </span>
      <button
        type="button"
        disabled={next === undefined}
        onClick={() => next !== undefined && paging.next(next)}
      >
        Next →
      </button>
    </nav>
  );
}
