/**
 * The families of one OpenMetrics body: one at a time, its HELP, TYPE and UNIT lines in any order and then its samples. What
 * they say goes to the sink once they have all been read, since only the type says what the family is called there:
 * the counter `foo` with samples `foo_total` is the counter `foo_total`.
 *
 * The lines of a family as a whole are one series key to the sink, so that those seen before need no words.
 */
import { PushProblem } from '../../model/errors.ts';
import { isLegacyMetricName } from '../../model/labels.ts';
import { UNKNOWN } from '../../model/known-series.ts';
import type { KnownSeries } from '../../model/known-series.ts';
import type { SampleSink } from '../../model/sample-sink.ts';
import { lineEnd, QUOTE, sameBytes, SPACE } from '../../primitives/bytes.ts';
import { hashBytes } from '../../primitives/hash.ts';
import { quote, shorten } from '../../primitives/quote.ts';
import { checkLine, Cursor, nameAdvice } from '../line-cursor.ts';
import { familyTypes, MISNAMED_COUNTER, Role, roleOf, suffixOf, typeAt, UNDECLARED } from './family-types.ts';
import type { FamilyType } from './family-types.ts';

const HELP = 0x48454c50;
const TYPE = 0x54595045;
const UNIT = 0x554e4954;
/** `# TYPE `, for one. */
const PREFIX_BYTES = 7;
/** Lines that are longer together are not remembered by the sink; they are checked one by one, as comments may make them any length. */
const KNOWN_BYTES_MAX = 1024;

export class FamilyReader {
  name = '';
  /** Where the name stands in the body; of length 0 when it cannot be compared byte by byte. */
  nameStart = 0;
  nameLength = 0;
  type: FamilyType = UNDECLARED;
  isTyped = false;
  /** Whether there are lines of which the sink does not know yet. */
  isOpen = false;
  isSampled = false;
  readonly #body: Buffer;
  readonly #view: DataView;
  readonly #sink: SampleSink;
  readonly #known: KnownSeries;
  readonly #isStrict: boolean;
  readonly #names = new Map<string, FamilyType>();
  /** Whether some name ends like that of a sample, so that another family may claim it. */
  #hasSuffixed = false;
  #isClaimed = false;
  #start = 0;
  #end = 0;
  /** More than can be known, and so checked line by line. */
  #isLong = false;
  #helpStart = -1;
  #helpEnd = 0;
  #unit: string | undefined;
  #unitAt = 0;

  constructor(body: Uint8Array, view: DataView, sink: SampleSink, isStrict: boolean) {
    this.#body = body instanceof Buffer ? body : Buffer.from(body.buffer, body.byteOffset, body.length);
    this.#view = view;
    this.#sink = sink;
    this.#known = sink.known;
    this.#isStrict = isStrict;
  }

  /** Reads a line that begins with a hash and is not `# EOF`. */
  readMetadata(start: number, end: number): void {
    const keyword = end - start >= PREFIX_BYTES ? this.#view.getUint32(start + 2) : 0;
    const isMetadata =
      (keyword === HELP || keyword === TYPE || keyword === UNIT) &&
      this.#view.getUint8(start + 1) === SPACE &&
      this.#view.getUint8(start + PREFIX_BYTES - 1) === SPACE;
    if (!isMetadata) {
      this.#readComment(start, end);
      return;
    }
    const restStart = this.#readName(start, end);
    if (this.isSampled) {
      if (this.#isStrict || keyword === TYPE) throw lateMetadata(this.name, start);
      return;
    }
    this.isOpen = true;
    if (this.#isLong || end - this.#start > KNOWN_BYTES_MAX) {
      if (!this.#isLong) this.#checkLines(this.#start, this.#end);
      this.#isLong = true;
      checkLine(this.#body, start, end);
    }
    this.#end = end;
    if (keyword === TYPE) this.#readType(start, restStart, end);
    else if (keyword === HELP) {
      if (this.#helpStart >= 0) throw second('HELP', this.name, start);
      this.#helpStart = restStart;
      this.#helpEnd = end;
    } else {
      if (this.#unit !== undefined) throw second('UNIT', this.name, start);
      this.#unit = this.#textAt(restStart, end);
      this.#unitAt = restStart;
    }
  }

  /** Ends the metadata of the family, of which a sample comes next or nothing more. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#checkUnit();
    this.#claim(this.#start);
    const start = this.#start;
    const end = this.#end;
    if (this.#isLong || (!this.isTyped && this.#helpStart < 0 && this.#unit === undefined)) {
      if (this.#isLong) this.#checkName();
      else this.#checkLines(start, end);
      this.#tell(start, end);
      return;
    }
    const view = this.#view;
    const known = this.#known;
    let reference = known.guess(view, start, end) === end ? known.guessed : UNKNOWN;
    if (reference === UNKNOWN)
      reference = known.find(view, start, end, hashBytes(known.hashSeed, view, start, end));
    if (reference === UNKNOWN) {
      this.#checkLines(start, end);
      this.#tell(start, end);
    } else known.addKnown(reference, 0, start);
  }

  /** What the sink calls a sample of the family at hand whose name it knows otherwise. */
  sampleName(name: string, role: number): string {
    const base = this.name;
    if (role === Role.GSUM) return `${base}_sum`;
    if (role === Role.GCOUNT) return `${base}_count`;
    if (role !== Role.CREATED) return name;
    if (this.type === MISNAMED_COUNTER) return base;
    return this.type.as === 'counter' ? `${base}_total` : `${base}_count`;
  }

  /** The role of a sample of this name in the family at hand; 0 when it is not of this family. */
  roleOf(name: string): number {
    if (!this.#isClaimed && !this.isOpen) return 0;
    if (this.type === MISNAMED_COUNTER && name === startTimesName(this.name)) return Role.CREATED;
    return name.startsWith(this.name) ? roleOf(name.slice(this.name.length)) & this.type.roles : 0;
  }

  /** Begins the family of a sample that no line has declared. */
  beginUndeclared(sample: string, start: number, isBare: boolean): void {
    const name = this.#leftBefore(sample) ?? sample;
    this.#begin(name, start);
    this.nameLength = isBare && sample.startsWith(name) ? name.length : 0;
    this.nameStart = start;
    this.#checkApart(name, start);
    this.#claim(start);
  }

  /** The family, begun before and left, that goes on with a sample of this name. Strictly it may not (`#checkApart`). */
  #leftBefore(sample: string): string | undefined {
    if (this.#isStrict || this.#names.has(sample)) return undefined;
    const suffix = suffixOf(sample);
    if (suffix === undefined) return undefined;
    const base = sample.slice(0, -suffix.length);
    if (this.#names.get(base)?.claims.includes(suffix) === true) return base;
    const misnamed = `${base}_total`;
    return suffix === '_created' && this.#names.get(misnamed) === MISNAMED_COUNTER ? misnamed : undefined;
  }

  /** Throws a PushProblem for a sample of a family that was left before. */
  #checkApart(name: string, start: number): void {
    const suffix = this.#isStrict ? suffixOf(name) : undefined;
    if (suffix === undefined) return;
    const base = name.slice(0, -suffix.length);
    const rival = this.#names.get(base);
    if (rival?.claims.includes(suffix) !== true) return;
    throw new PushProblem(
      'syntax',
      `${shorten(name)} is a sample of the ${rival.name} ${shorten(base)}, which already started above; write all lines of a family together`,
      start,
    );
  }

  #begin(name: string, start: number): void {
    this.close();
    const before = this.#names.get(name);
    if (before !== undefined && this.#isStrict) {
      if (name === this.name && before.claims.length > 0) throw noSample(name, before, start);
      throw new PushProblem(
        'syntax',
        `${quote(name)} already started above; write all lines of a family together`,
        start,
      );
    }
    this.name = name;
    this.type = before ?? UNDECLARED;
    this.isTyped = false;
    this.isSampled = false;
    this.#isClaimed = before !== undefined;
    if (before !== undefined) this.#sink.returnTo(name + before.suffix);
    this.#helpStart = -1;
    this.#unit = undefined;
    this.#start = start;
    this.#end = start;
    this.#isLong = false;
  }

  /** Reads the name of a metadata line, begins its family where it is another one, and returns where the rest begins. */
  #readName(start: number, end: number): number {
    const view = this.#view;
    const nameStart = start + PREFIX_BYTES;
    let nameEnd = nameStart;
    const isQuoted = nameStart < end && view.getUint8(nameStart) === QUOTE;
    let name: string | undefined;
    if (isQuoted) {
      checkLine(this.#body, start, end);
      const cursor = new Cursor(this.#body, start, end);
      cursor.position = nameStart;
      name = cursor.quoted('kept');
      if (name === '') throw new PushProblem('invalid_name', 'the metric name is empty', nameStart);
      nameEnd = cursor.position;
    } else {
      while (nameEnd < end && view.getUint8(nameEnd) !== SPACE) nameEnd += 1;
    }
    const length = nameEnd - nameStart;
    if (nameEnd === end || view.getUint8(nameEnd) !== SPACE || length === 0) {
      checkLine(this.#body, start, end);
      throw new PushProblem(
        'syntax',
        `${quote(this.#textAt(start, end))} is not a complete line; write # TYPE, HELP or UNIT, a name and a text, separated by single spaces`,
        start,
      );
    }
    const isSame =
      this.nameLength === length && !isQuoted && sameBytes(view, this.nameStart, view, nameStart, length);
    if (isSame || name === this.name) return nameEnd + 1;
    // Latin-1 is enough for names that will turn out to be good, and quicker.
    this.#begin(name ?? this.#body.toString('latin1', nameStart, nameEnd), start);
    this.nameStart = nameStart;
    this.nameLength = isQuoted ? 0 : length;
    return nameEnd + 1;
  }

  #readType(start: number, from: number, end: number): void {
    if (this.isTyped) throw second('TYPE', this.name, start);
    let type = typeAt(this.#view, from, end);
    if (type === undefined) {
      const word = this.#textAt(from, end);
      if (word === 'untyped' && !this.#isStrict) type = familyTypes.get('unknown');
      if (type !== undefined) return this.#typed(type);
      checkLine(this.#body, start, end);
      throw new PushProblem(
        'syntax',
        `the type of ${shorten(this.name)} is ${quote(word)}; write ${[...familyTypes.keys()].join(', ')}, and nothing after it`,
        from,
      );
    }
    this.#typed(type);
  }

  #typed(type: FamilyType): void {
    this.isTyped = true;
    const isMisnamed = !this.#isStrict && type.name === 'counter' && this.name.endsWith('_total');
    this.type = isMisnamed ? MISNAMED_COUNTER : type;
  }

  #readComment(start: number, end: number): void {
    const text = this.#textAt(start, Math.min(end, start + 100));
    checkLine(this.#body, start, end);
    if (!this.#isStrict && !/^#\s*(?:HELP|TYPE|UNIT|EOF)\b/.test(text)) return;
    throw new PushProblem(
      'syntax',
      `${quote(text)} is not # HELP, # TYPE, # UNIT or # EOF with single spaces; OpenMetrics allows no other comments`,
      start,
    );
  }

  #checkUnit(): void {
    const unit = this.#unit;
    if (unit === undefined || unit === '' || !this.#isStrict) return;
    if (!this.name.endsWith(`_${unit}`)) {
      throw new PushProblem(
        'invalid_name',
        `the unit ${quote(unit)} is not a suffix of the name ${shorten(this.name)}; rename it to ${shorten(`${this.name}_${unit}`)}, or leave the UNIT line out`,
        this.#unitAt,
      );
    }
    if (this.type.name === 'info' || this.type.name === 'stateset') {
      throw new PushProblem(
        'invalid_name',
        `${shorten(this.name)} is ${this.type.name === 'info' ? 'an info' : 'a stateset'}, which must not have a unit; leave the UNIT line out`,
        this.#unitAt,
      );
    }
  }

  /** Notes the names that are the family's own from now on, unless another family has one of them. */
  #claim(offset: number): void {
    this.#isClaimed = true;
    const { name, type } = this;
    const suffix = suffixOf(name);
    if (this.#isStrict) {
      if (suffix !== undefined) {
        const base = name.slice(0, -suffix.length);
        const rival = this.#names.get(base);
        if (rival?.claims.includes(suffix) === true) throw clash(name, base, rival, offset);
      }
      for (const claimed of this.#hasSuffixed ? type.claims : []) {
        if (this.#names.has(name + claimed)) throw clash(name + claimed, name, type, offset);
      }
    }
    this.#hasSuffixed ||= suffix !== undefined;
    this.#names.set(name, type);
  }

  /** Gives the sink what was parsed. The lines as a whole are the series key of the first thing said. */
  #tell(start: number, end: number): void {
    const { name, type } = this;
    const isShort = !this.#isLong;
    const sinkName = name + type.suffix;
    if (this.isTyped) this.#sink.addType(sinkName, type.as, { start, end, repeatable: isShort });
    if (this.#helpStart >= 0) {
      const help = unescapeHelp(this.#textAt(this.#helpStart, this.#helpEnd));
      this.#sink.addHelp(sinkName, help, { start, end, repeatable: isShort && !this.isTyped });
    }
    if (this.#unit !== undefined && this.#unit !== '') this.#sink.addUnit(sinkName, this.#unit);
  }

  /** What need not be looked at in lines that are known. */
  #checkLines(start: number, end: number): void {
    for (let at = start; at < end;) {
      const stop = lineEnd(this.#view, at, end);
      checkLine(this.#body, at, stop);
      at = stop + 1;
    }
    this.#checkName();
  }

  #checkName(): void {
    const at = this.nameStart;
    if (this.nameLength === 0) return;
    const name = this.#textAt(at, at + this.nameLength);
    if (!isLegacyMetricName(name))
      throw new PushProblem('invalid_name', `${quote(name)} is not a metric name${nameAdvice(name)}`, at);
  }

  #textAt(start: number, end: number): string {
    return this.#body.toString('utf8', start, end);
  }
}

/** Of a counter that is named as its samples are. */
function startTimesName(counter: string): string {
  return `${counter.slice(0, -'_total'.length)}_created`;
}

function unescapeHelp(text: string): string {
  return text.replace(/\\(?:\\|n|")/g, (escape) => (escape === '\\n' ? '\n' : escape.slice(1)));
}

function second(keyword: string, name: string, offset: number): PushProblem {
  return new PushProblem(
    'duplicate_metadata',
    `a second ${keyword} line for ${shorten(name)}; write one per push`,
    offset,
  );
}

function lateMetadata(name: string, offset: number): PushProblem {
  return new PushProblem(
    'duplicate_metadata',
    `the HELP, TYPE and UNIT lines of ${shorten(name)} must come before its first sample`,
    offset,
  );
}

function noSample(name: string, type: FamilyType, offset: number): PushProblem {
  return new PushProblem(
    'invalid_name',
    `${shorten(name)} is not a sample of the ${type.name} ${shorten(name)}, which has the samples ${samplesOf(name, type)}${baseAdvice(name, type)}`,
    offset,
  );
}

/** For those who call a counter in TYPE what its sample is called. */
function baseAdvice(name: string, { name: type, suffix }: FamilyType): string {
  if (suffix === '' || !name.endsWith(suffix)) return '';
  return `; write # TYPE ${shorten(name.slice(0, -suffix.length))} ${type}`;
}

function clash(name: string, base: string, type: FamilyType, offset: number): PushProblem {
  return new PushProblem(
    'invalid_name',
    `${shorten(name)} would be a sample of the ${type.name} ${shorten(base)}, and also another family; a ${type.name} ${shorten(base)} has the samples ${samplesOf(base, type)}`,
    offset,
  );
}

function samplesOf(base: string, type: FamilyType): string {
  return type.claims.map((suffix) => shorten(base) + suffix).join(', ');
}
