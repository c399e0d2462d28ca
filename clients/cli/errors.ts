/** The caller's mistake; the message says what is right. */
export class UsageError extends Error {
  override name = 'UsageError';
}
