/** Names of error numbers, as %pe and reports write them: derived from the declaration in errno.ts. */
import { Errno } from './errno.ts';

const names = new Map<number, string>();
for (const [name, value] of Object.entries(Errno)) if (!names.has(value)) names.set(value, name);

/** `ENOMEM` for 12; undefined for what is no error number. */
export const errnoName = (value: number): string | undefined => names.get(value);
