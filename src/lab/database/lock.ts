/**
 * One server a data folder. Always true: the lock lives in the kernel (a name in the abstract socket namespace), so it is gone
 * the moment its process is, however it ended; nothing stale is ever left to clean up.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

/** Takes the folder for this process; rejects while another one has it. Answers how to let go. */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  mkdirSync(folder, { recursive: true });
  const name = createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 40);
  const server: Server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(
              `Another Oopsbox server is using ${folder}. Stop it, or give this one a folder of its own with OOPSBOX_DATA.`,
            )
          : error,
      ),
    );
    server.listen(`\0oopsbox-${name}`, resolve);
  });
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}
