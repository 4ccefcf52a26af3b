import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';

import type { ApiError } from '../lib/api.ts';
import { exactSample, numberOf, percent, sample, si, visible, whole } from '../lib/format.ts';
import type { Loaded } from '../lib/hooks.ts';
import type { Labels } from '../lib/names.ts';
import { remedies } from '../lib/remedies.ts';

const SETTLED_MS = 150;

type Tone = 'good' | 'bad' | 'warn' | 'info' | 'neutral';

export function Badge({
  tone = 'neutral',
  children,
  title,
}: {
  tone?: Tone;
  children: ComponentChildren;
  title?: string;
}): JSX.Element {
  return (
    <span class={`badge ${tone}`} title={title}>
      {children}
    </span>
  );
}

export function TypeBadge({ type }: { type: string }): JSX.Element {
  return <span class={`type type-${/^[a-z]+$/.test(type) ? type : 'unknown'}`}>{type}</span>;
}

/** A count with its prefix, exact in the title. */
export function Count({ value }: { value: number | null | undefined }): JSX.Element {
  if (value === null || value === undefined) return <span class="dim">–</span>;
  return (
    <span title={whole(value)}>{value < 10_000 && Number.isInteger(value) ? whole(value) : si(value)}</span>
  );
}

/** A value of a series as it was pushed or is shown, which may be long. */
export function Value({
  text,
  unit,
  isExact = false,
}: {
  text: string;
  unit?: string;
  isExact?: boolean;
}): JSX.Element {
  const short = numberOf(text) === undefined ? text : isExact ? exactSample(text) : sample(text, unit);
  return (
    <span class="value" title={text}>
      {short}
    </span>
  );
}

/** Labels as chips: each wraps, and a long one is cut. */
export function LabelChips({
  labels,
  linkOf,
}: {
  labels: Labels;
  linkOf?: (name: string, value: string) => string;
}): JSX.Element {
  const all = Object.entries(labels).filter(([name]) => name !== '__name__');
  if (all.length === 0) return <span class="dim">no labels</span>;
  return (
    <span class="chips">
      {all.map(([name, value]) => {
        const content = (
          <>
            <span class="chip-name">{cut(name, 60)}</span>
            <bdi class="chip-value">{value === '' ? '""' : cut(value, 200)}</bdi>
          </>
        );
        const title = cut(`${name}="${value}"`, 1_000);
        return linkOf === undefined ? (
          <span class="chip" key={name} title={title}>
            {content}
          </span>
        ) : (
          <a class="chip" key={name} title={title} href={linkOf(name, value)}>
            {content}
          </a>
        );
      })}
    </span>
  );
}

/** What is longer than anybody reads would only slow the browser down. */
export function cut(text: string, length: number): string {
  return visible(text.length > length ? `${text.slice(0, length)}…` : text);
}

/** The name of a series and its labels, in one line that may be cut. */
export function SeriesName({ text }: { text: string }): JSX.Element {
  const open = text.indexOf('{');
  const [name, rest] = open === -1 ? [text, ''] : [text.slice(0, open), text.slice(open)];
  return (
    <bdi class="series" title={cut(text, 1_000)}>
      <b>{cut(name, 200)}</b>
      {cut(rest, 300)}
    </bdi>
  );
}

export function Meter({ part, label }: { part: number; label?: string }): JSX.Element {
  const tone = part >= 0.95 ? 'bad' : part >= 0.8 ? 'warn' : 'info';
  const shown = Math.min(1, Math.max(0, part));
  return (
    <span class="meter" role="img" aria-label={label ?? percent(part)}>
      <span class={`meter-fill ${tone}`} style={{ width: shown === 0 ? '0' : `max(1px, ${shown * 100}%)` }} />
    </span>
  );
}

export function Tile({
  name,
  children,
  title,
  href,
}: {
  name: string;
  children: ComponentChildren;
  title?: string | undefined;
  href?: string;
}): JSX.Element {
  const content = (
    <>
      <span class="tile-name">{name}</span>
      <span class="tile-value">{children}</span>
    </>
  );
  return href === undefined ? (
    <div class="tile" title={title}>
      {content}
    </div>
  ) : (
    <a class="tile" title={title} href={href}>
      {content}
    </a>
  );
}

/** `isPage` where there is nothing else, so that it is the heading. */
export function Empty({
  title,
  children,
  isPage = false,
}: {
  title: string;
  children?: ComponentChildren;
  isPage?: boolean;
}): JSX.Element {
  const Title = isPage ? 'h1' : 'p';
  return (
    <div class="empty">
      <Title class="empty-title">
        <bdi>{title}</bdi>
      </Title>
      {children}
    </div>
  );
}

export function Notice({
  tone,
  children,
}: {
  tone: 'bad' | 'warn' | 'info' | 'good';
  children: ComponentChildren;
}): JSX.Element {
  return (
    <div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      {children}
    </div>
  );
}

export function ErrorNotice({ error, retry }: { error: ApiError; retry?: () => void }): JSX.Element {
  const remedy = error.code === undefined ? undefined : remedies[error.code];
  return (
    <Notice tone="bad">
      <p>
        <bdi>{cut(error.message, 2_000)}</bdi>
      </p>
      {remedy === undefined ? null : <p class="dim">{remedy}</p>}
      {retry === undefined ? null : (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </Notice>
  );
}

/** What was loaded; until then and without it, what there is to say. */
export function Loading<T>({
  of,
  children,
}: {
  of: Loaded<T>;
  children: (value: T) => ComponentChildren;
}): JSX.Element {
  if (of.error !== undefined && of.value === undefined)
    return <ErrorNotice error={of.error} retry={of.reload} />;
  if (of.value === undefined) return <p class="loading">Loading…</p>;
  return (
    <>
      {of.error === undefined ? null : <ErrorNotice error={of.error} retry={of.reload} />}
      <div class={of.isStale ? 'stale' : undefined}>{children(of.value)}</div>
    </>
  );
}

/** Copies on a click, and says so for a while. Where the browser does not let it, the text is selected instead. */
export function Copy({ text, children }: { text: string; children: ComponentChildren }): JSX.Element {
  const [said, setSaid] = useState('');
  useEffect(() => {
    if (said === '') return undefined;
    const timer = setTimeout(() => setSaid(''), 2_000);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = (): void => {
    if (navigator.clipboard === undefined) {
      setSaid(copyBySelection(text) ? 'Copied' : 'Press Ctrl+C');
      return;
    }
    navigator.clipboard.writeText(text).then(
      () => setSaid('Copied'),
      () => setSaid(copyBySelection(text) ? 'Copied' : 'Not allowed'),
    );
  };
  return (
    <button type="button" class="copy" onClick={copy} title={cut(text, 300)}>
      {children}
      <span class="copied" role="status">
        {said}
      </span>
    </button>
  );
}

/** Pages without TLS have no clipboard but this. */
function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'hidden';
  document.body.append(area);
  area.select();
  const isDone = document.execCommand('copy');
  area.remove();
  return isDone;
}

export function Code({ text, name }: { text: string; name: string }): JSX.Element {
  return (
    <div class="code">
      <pre tabIndex={0} role="region" aria-label={name}>
        <code>{text}</code>
      </pre>
      <Copy text={text.trimEnd()}>Copy</Copy>
    </div>
  );
}

export function Search({
  label,
  value,
  onInput,
  hint,
}: {
  label: string;
  value: string;
  onInput: (text: string) => void;
  hint: string;
}): JSX.Element {
  const id = useId();
  return (
    <div class="search">
      <label class="hidden" for={id}>
        {label}
      </label>
      <input
        id={id}
        type="search"
        data-search
        value={value}
        placeholder={hint}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}

/** Says what was typed once nothing was typed for a while, so that what is long is not drawn for each key. */
export function SettledSearch({
  label,
  hint,
  settled,
  onSettled,
}: {
  label: string;
  hint: string;
  settled: string;
  onSettled: (text: string) => void;
}): JSX.Element {
  const [typed, setTyped] = useState(settled);
  useEffect(() => setTyped(settled), [settled]);
  useEffect(() => {
    if (typed === settled) return undefined;
    const timer = setTimeout(() => onSettled(typed), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return <Search label={label} hint={hint} value={typed} onInput={setTyped} />;
}
