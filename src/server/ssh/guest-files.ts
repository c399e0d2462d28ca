/** Small files of a machine, read by the front door. Always true: a file that is not there, or is no file, is null and never an error. */
import { type FileInfo, type Host, HostError } from '../../host/types.ts';

/** Nothing the front door reads is longer; authorized_keys of a whole course fits. */
const MAX_BYTES = 1 << 20;

const isMissing = (error: unknown): boolean => error instanceof HostError && error.code === 'guest';

/** The content as text, null when there is none. Errors other than the file's own (the machine is gone) are thrown. */
export async function fileText(host: Host, vmId: string, path: string): Promise<string | null> {
  try {
    const bytes = await host.readFile(vmId, path);
    return bytes.length > MAX_BYTES ? null : Buffer.from(bytes).toString('utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** lstat(2), null when there is nothing. */
export async function fileInfo(host: Host, vmId: string, path: string): Promise<FileInfo | null> {
  try {
    return await host.stat(vmId, path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
