/** What a name may be. Always true: text that passed here is printable, bounded and safe in a log line, a path and a URL. */
import { type FieldError, LabError } from './types.ts';

/** A person's login: an account name or a mail address in lower case. */
export const LOGIN = /^[a-z0-9][a-z0-9._@+-]{0,63}$/;
/** A course's short name. */
export const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** A machine's name is its host name: one label of RFC 1123, lower case. */
export const VM_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Names that people give to keys, tokens and snapshots. */
export const LABEL = /^[\p{L}\p{N}][\p{L}\p{N} ._@:+-]{0,99}$/u;
/** Names and titles to read. */
export const TEXT = /^[^\p{Cc}\p{Cf}\p{Cs}]{1,200}$/u;
export const EMAIL = /^[^\s@\p{Cc}]{1,64}@[^\s@\p{Cc}]{1,189}$/u;

/** Collects what is wrong with a request, to say all of it at once. */
export class Checks {
  readonly errors: FieldError[] = [];

  /** Notes an error unless the value fits; undefined and null pass when they may. */
  fits(
    where: string,
    value: string | null | undefined,
    pattern: RegExp,
    message: string,
    optional = false,
  ): void {
    if (optional && (value === undefined || value === null)) return;
    if (typeof value !== 'string' || !pattern.test(value)) this.errors.push({ where, message });
  }

  number(where: string, value: number | undefined, low: number, high: number): void {
    if (value === undefined) return;
    if (!Number.isInteger(value) || value < low || value > high)
      this.errors.push({ where, message: `must be a whole number from ${low} to ${high}` });
  }

  /** Throws when something was wrong. */
  done(what: string): void {
    if (this.errors.length > 0)
      throw new LabError('invalid', `${what} cannot be used as it is.`, this.errors);
  }
}

export const LOGIN_RULE =
  'must be 1 to 64 of a-z, 0-9 and . _ @ + -, beginning with a letter or digit, in lower case';
export const SLUG_RULE = 'must be 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit';
export const VM_NAME_RULE = 'must be a host name: 1 to 63 of a-z, 0-9 and -, no - at either end';
export const LABEL_RULE =
  'must be 1 to 100 letters, digits, spaces and . _ @ : + -, beginning with a letter or digit';
export const TEXT_RULE = 'must be 1 to 200 printable characters';

/** Whether a database error says that a unique value is taken (Prisma P2002). */
export const isTaken = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === 'P2002';
/** Whether a database error says that the row to change is gone (Prisma P2025). */
export const isGone = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === 'P2025';
