/**
 * What a member says to the leader of a request that it passes on: who sent it, from where, and by which number it counts once. It is in one header, and
 * sealed with the secret of the cluster, which never leaves a process:
 *
 *   Pag-Member: <base64url of JSON>.<base64url of an HMAC-SHA256 of it, with method and target>
 *
 * A sender does not see it, and cannot make one. Who reads what goes between members could send one again, with another body; it counts once in the
 * place of what it was made for. Who can do that reads tokens and passwords of senders as well, and TLS is what helps.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import type { ForwardedKey } from '../../store/forwarded.ts';

export const MEMBER_HEADER = 'pag-member';

const VERSION = 1;
const MAC_CHARS = 43;

/** What the member that took a request has found by its credentials; it sends none of them on. */
export interface Who {
  /** SHA-256 of the token, as the rules have it. */
  readonly token?: string | undefined;
  readonly user?: string | undefined;
  /** Browsers send it by themselves. */
  readonly isAmbient?: boolean | undefined;
}

export interface Vouched {
  readonly member: string;
  /** Undefined for what changes nothing, and so may be done twice. */
  readonly key: ForwardedKey | undefined;
  /** Since all of the request was there: whole milliseconds. */
  readonly heldMs: number;
  /** Where its sender connects from. */
  readonly address: string | undefined;
  readonly who: Who;
}

type SealedRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

export class Seal {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** The value of the header. */
  close({ method, url }: Pick<SealedRequest, 'method' | 'url'>, { member, key, ...rest }: Vouched): string {
    const said = { v: VERSION, member, ...rest, ...(key && numbersOf(key)) };
    const text = Buffer.from(JSON.stringify(said)).toString('base64url');
    return `${text}.${this.#mac(method, url, text)}`;
  }

  /** Undefined where a request is not passed on by a member; `forged` where it pretends to be, or the member has another secret. */
  open({ method, url, headers }: SealedRequest): Vouched | 'forged' | undefined {
    const header = headers[MEMBER_HEADER];
    if (header === undefined) return undefined;
    if (typeof header !== 'string') return 'forged';
    const dot = header.length - MAC_CHARS - 1;
    if (header[dot] !== '.') return 'forged';
    const text = header.slice(0, dot);
    const given = Buffer.from(header.slice(dot + 1), 'latin1');
    const wanted = Buffer.from(this.#mac(method, url, text), 'latin1');
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return 'forged';
    try {
      return readVouched(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Said);
    } catch {
      return 'forged';
    }
  }

  #mac(method: string | undefined, url: string | undefined, text: string): string {
    return createHmac('sha256', this.#secret).update(`${method}\n${url}\n${text}`).digest('base64url');
  }
}

function numbersOf({ incarnation, number, below }: ForwardedKey): Omit<ForwardedKey, 'member'> {
  return { incarnation, number, below };
}

type Said = Partial<Vouched & ForwardedKey> & { readonly v?: number };

/** A member made it; it may be of another version. */
function readVouched(said: Said): Vouched | 'forged' {
  const { member, heldMs, who, address, incarnation, number, below } = said;
  if (said.v !== VERSION || typeof member !== 'string' || typeof who !== 'object' || who === null)
    return 'forged';
  if (!isCount(heldMs) || (address !== undefined && typeof address !== 'string')) return 'forged';
  if (number === undefined) return { member, key: undefined, heldMs, address, who };
  if (!isCount(incarnation) || !isCount(number) || !isCount(below) || below > number) return 'forged';
  return { member, key: { member, incarnation, number, below }, heldMs, address, who };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
