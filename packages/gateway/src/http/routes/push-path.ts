/**
 * The labels in the path of a push: `job/backup/instance/a` after the push path.
 *
 * The raw path is split before anything is percent-decoded, so that a value may hold an encoded slash (prom-client sends
 * `%2F`). An odd number of segments is nearly always a mistake, with one exception: prom-client writes an empty last value
 * as nothing at all, so that `job/x/empty/` means empty="".
 */
import { RequestError } from '../../model/errors.ts';
import { emptyGroupingKey, groupingKey, isLegacyLabelName } from '../../model/labels.ts';
import type { GroupingKey, Label } from '../../model/labels.ts';
import { quote, shorten } from '../../primitives/quote.ts';

/** More would not fit into what is shown. */
const PIECES_SHOWN_MAX = 50;

const BASE64_SUFFIX = '@base64';
const ESCAPED_NAME_PREFIX = 'U__';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Keys of paths that come again and again: the same senders push to the same paths. */
const RECENT_MAX = 1_000;
const RECENT_CHARS_MAX = 512;
/** Marks of paths seen once; a few times RECENT_MAX, so that two seldom want the same place. */
const MARKS = 4_096;

/**
 * Reads paths, and remembers the keys of those that come again soon, which saves 1.2 µs of a push. A path seen for the first time leaves nothing but a
 * mark. Where there are more senders than are remembered, keys would be kept only to be dropped before they are of use;
 * and what outlives two collections makes V8 enlarge its young generation: by 20 MB with 10 000 senders.
 */
export class PushPathReader {
  readonly #recent = new Map<string, GroupingKey>();
  /** Hashes; 0 where there is none. */
  readonly #marks = new Int32Array(MARKS);
  /** Paths not remembered since the marks were last wiped. */
  #passed = 0;

  /** As `parsePushPath`. */
  read(rest: string): GroupingKey {
    const recent = this.#recent.get(rest);
    if (recent !== undefined) return recent;
    const key = parsePushPath(rest);
    if (rest.length <= RECENT_CHARS_MAX && this.#comesAgain(rest)) {
      if (this.#recent.size >= RECENT_MAX) this.#recent.clear();
      this.#recent.set(rest, key);
    }
    return key;
  }

  #comesAgain(rest: string): boolean {
    const hash = hashChars(rest);
    const at = hash & (MARKS - 1);
    if (this.#marks[at] === hash) {
      // Its place is free then for another path that wants it.
      this.#marks[at] = 0;
      return true;
    }
    if (this.#passed >= RECENT_MAX) {
      this.#marks.fill(0);
      this.#passed = 0;
    }
    this.#passed += 1;
    if (this.#marks[at] === 0) this.#marks[at] = hash;
    return false;
  }
}

/** FNV-1a over characters. Where two paths meet in it, one is remembered a push too early. */
function hashChars(text: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/**
 * The grouping key that `rest` spells: the raw path after the push path, still percent-encoded, without the query, with or
 * without a trailing slash. Throws RequestError `invalid_path`.
 */
export function parsePushPath(rest: string): GroupingKey {
  if (rest === '') return emptyGroupingKey;
  const pieces = splitPieces(rest);
  const labels: Label[] = [];
  for (let i = 0; i < pieces.length; i += 2) {
    const label = readLabel(pieces[i]!, pieces[i + 1]!);
    if (labels.some((earlier) => earlier.name === label.name)) {
      throw invalidPath(`label ${quote(label.name)} appears twice in the path; use each label once`);
    }
    if (label.name === 'job' && label.value === '') {
      throw invalidPath('the job in the path is empty; give it a value, as in job/backup');
    }
    labels.push(label);
  }
  return groupingKey(labels);
}

/** Name and value pieces by turns; always an even number, and none empty but a last value. */
function splitPieces(rest: string): string[] {
  const pieces = rest.split('/');
  const trailingSlash = pieces.at(-1) === '';
  const lastIsEmptyValue = trailingSlash && pieces.length % 2 === 0;
  if (trailingSlash && !lastIsEmptyValue) pieces.pop();
  const emptyAt = pieces.indexOf('');
  if (emptyAt !== -1 && !(lastIsEmptyValue && emptyAt === pieces.length - 1)) {
    throw invalidPath(
      `the path contains an empty segment (//) in ${quote(rest)}; write an empty value as <label>@base64/=, ` +
        'and a slash within a value as %2F',
    );
  }
  if (pieces.length % 2 === 1) {
    throw invalidPath(
      `the path must consist of label/value pairs, but has an odd number of segments: ` +
        `${shorten(pieces.slice(0, PIECES_SHOWN_MAX).map(quote).join(', '))}; ` +
        (pieces[0] === 'metrics'
          ? 'clients append /metrics to the address, so configure the address without it'
          : `${quote(pieces.at(-1)!)} has no value`),
    );
  }
  return pieces;
}

function readLabel(rawName: string, rawValue: string): Label {
  const decodedName = percentDecode(rawName);
  const base64 = decodedName.endsWith(BASE64_SUFFIX);
  const written = base64 ? decodedName.slice(0, -BASE64_SUFFIX.length) : decodedName;
  if (!isLegacyLabelName(written)) {
    throw invalidPath(
      `${quote(written)} in the path is not a valid label name; use only letters, digits and _, with no digit first`,
    );
  }
  const name = unescapeName(written);
  if (name.startsWith('__')) {
    throw invalidPath(
      `label ${quote(name)} in the path begins with __, which is reserved for Prometheus; rename it`,
    );
  }
  const value = percentDecode(rawValue);
  return { name, value: base64 ? decodeBase64(name, value) : value };
}

function percentDecode(piece: string): string {
  if (!piece.includes('%')) return piece;
  try {
    return decodeURIComponent(piece);
  } catch {
    throw invalidPath(
      `${quote(piece)} in the path is not valid percent-encoded UTF-8; write a percent sign as %25`,
    );
  }
}

/** The alphabet of RFC 4648, section 5. `Buffer.from` skips over what it does not know, so the check comes first. */
function decodeBase64(name: string, text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0x3d) end -= 1;
  const digits = text.slice(0, end);
  if (!/^[A-Za-z0-9_-]*$/.test(digits) || digits.length % 4 === 1) {
    throw invalidPath(
      `the value ${quote(text)} of ${shorten(name)}@base64 is not URL-safe base64 (letters, digits, - and _, padding optional)`,
    );
  }
  try {
    return utf8.decode(Buffer.from(digits, 'base64url'));
  } catch {
    throw invalidPath(`the value ${quote(text)} of ${shorten(name)}@base64 does not decode to valid UTF-8`);
  }
}

/**
 * Undoes the escaping of names that older servers cannot read: `U__foo_2e_bar` is `foo.bar`. Names that only look
 * escaped stay as they are. https://prometheus.io/docs/instrumenting/escaping_schemes/
 */
export function unescapeName(name: string): string {
  if (!name.startsWith(ESCAPED_NAME_PREFIX)) return name;
  const escaped = name.slice(ESCAPED_NAME_PREFIX.length);
  if (!/^(?:[^_]|__|_[0-9a-fA-F]{1,6}_)+$/.test(escaped)) return name;
  let valid = true;
  const unescaped = escaped.replace(/__|_([0-9a-fA-F]+)_/g, (_match, hex: string | undefined) => {
    if (hex === undefined) return '_';
    const point = Number.parseInt(hex, 16);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
      valid = false;
      return '';
    }
    return String.fromCodePoint(point);
  });
  return valid ? unescaped : name;
}

function invalidPath(message: string): RequestError {
  return new RequestError('invalid_path', message);
}
