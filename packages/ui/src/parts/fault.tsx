import type { JSX } from 'preact';

import { remedies } from '../lib/remedies.ts';
import { Badge, cut } from './basic.tsx';

/** What was refused: the message with its place, the line with the place marked if it is known, and what to change. */
export function Fault({
  code,
  message,
  line,
  column,
  excerpt,
}: {
  code: string;
  message: string;
  line?: number | null | undefined;
  column?: number | null | undefined;
  excerpt?: string | null | undefined;
}): JSX.Element {
  const remedy = remedies[code];
  const hasPlace = typeof line === 'number';
  return (
    <div class="fault">
      <p class="fault-message">
        <Badge tone="bad">{code}</Badge>{' '}
        {hasPlace ? (
          <span class="place">
            line {line}
            {typeof column === 'number' ? `, column ${column}` : ''}
          </span>
        ) : null}{' '}
        <Message text={cut(message, 2_000)} />
      </p>
      {excerpt ? <Excerpt text={excerpt} column={column ?? undefined} line={line ?? undefined} /> : null}
      {remedy === undefined ? null : (
        <p class="remedy">
          <span aria-hidden="true">→ </span>
          {remedy}
        </p>
      )}
    </div>
  );
}

/** At most so much before and behind the place. */
const AROUND = 60;

/** What a message quotes of the body is marked. */
function Message({ text }: { text: string }): JSX.Element {
  const pieces = text.split(/("(?:[^"\\]|\\.)*")/);
  return <bdi>{pieces.map((piece, i) => (i % 2 === 0 ? piece : <q key={i}>{piece.slice(1, -1)}</q>))}</bdi>;
}

/** One line of a body, cut to what is around the place. `column` counts from 1. */
export function Excerpt({
  text,
  column,
  line,
}: {
  text: string;
  column?: number | undefined;
  line?: number | undefined;
}): JSX.Element {
  const [first = ''] = text.split('\n');
  const at = column === undefined ? -1 : column - 1;
  if (at < 0 || at > first.length) return <pre class="excerpt">{cut(first, 200)}</pre>;
  const begin = Math.max(0, at - AROUND);
  const marked = first.slice(at).match(/^(?:[\w.:+-]+|[\s\S]?)/u)?.[0] ?? '';
  const end = at + marked.length;
  return (
    <pre class="excerpt">
      {line === undefined ? null : <span class="line-number">{line}</span>}
      {begin > 0 ? '…' : ''}
      {first.slice(begin, at)}
      <mark>{marked === '' ? '⏎' : cut(marked, 80)}</mark>
      {cut(first.slice(end), AROUND)}
    </pre>
  );
}
