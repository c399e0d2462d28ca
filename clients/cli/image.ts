/** `npm run image`: the image room's command, with VMs to provision in. */
import { imageCommand } from '../../src/image/command.ts';
import { ImageError } from '../../src/image/index.ts';
import { provisionInVms } from '../../src/vm/index.ts';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
provisionInVms();
imageCommand(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    const text = error instanceof ImageError ? error.message : (error as Error).stack;
    process.stderr.write(`${text}\n`);
    process.exitCode = 1;
  },
);
