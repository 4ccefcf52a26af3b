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
  excerptColumn,
}: {
  code: string;
  message: string;
  line?: number | null | undefined;
  column?: number | null | undefined;
  excerpt?: string | null | undefined;
  excerptColumn?: number | null | undefined;
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
      {typeof excerpt === 'string' ? (
        <Excerpt text={excerpt} column={excerptColumn ?? column ?? undefined} line={line ?? undefined} />
      ) : null}
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
  const characters = Array.from(visibleInPlace(first.slice(0, AROUND * 100)));
  const at = column === undefined ? -1 : column - 1;
  if (at < 0 || at > characters.length) return <pre class="excerpt">{characters.slice(0, 200).join('')}</pre>;
  const begin = Math.max(0, at - AROUND);
  const rest = characters.slice(at, at + AROUND * 2).join('');
  const marked = rest.match(/^(?:#.*|[\w.:+-]+|[\s\S]?)/u)?.[0] ?? '';
  const isEnd = at === characters.length;
  return (
    <pre class="excerpt">
      {line === undefined ? null : <span class="line-number">{line}</span>}
      <bdi>
        {begin > 0 ? '…' : ''}
        {characters.slice(begin, at).join('')}
        <mark>{isEnd ? '⏎' : cut(marked, 80)}</mark>
        {cut(rest.slice(marked.length), AROUND)}
      </bdi>
    </pre>
  );
}

/** What would not be seen, or would move what is, in as many characters: a carriage return is `␍`. */
function visibleInPlace(text: string): string {
  return text
    .replaceAll('\t', '→')
    .replaceAll(/\p{Cc}/gu, (control) => {
      const code = control.codePointAt(0)!;
      return code < 0x20 ? String.fromCodePoint(0x24_00 + code) : '\ufffd';
    })
    .replaceAll(/\p{Bidi_Control}|[\u200b-\u200d\ufeff]/gu, '\ufffd');
}
