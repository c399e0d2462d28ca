/** `oopsbox`: reads the command line and hands over to the command. */
import { runCommand } from './run.ts';

const USAGE = `usage: oopsbox run [-c COMMAND] [--user NAME] [--kernel VERSION] [--memory MIB]
                   [--checkpoint FILE] [--deterministic]

Boots a VM and attaches this terminal to its console (Ctrl-] leaves), or runs one command in it.
`;

/** An error that is the caller's to mend: printed as one line, exit status 2. */
async function main(argv: string[]): Promise<number> {
  const [command, ...rest] = argv;
  switch (command) {
    case 'run':
      return runCommand(rest);
    case undefined:
    case '-h':
    case '--help':
    case 'help':
      process.stdout.write(USAGE);
      return command === undefined ? 2 : 0;
    default:
      process.stderr.write(`oopsbox: there is no command ${command}\n${USAGE}`);
      return 2;
  }
}

main(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: Error) => {
    const known = ['ImageError', 'CheckpointError', 'ProcessError', 'UsageError'].includes(error.name);
    process.stderr.write(`oopsbox: ${known ? error.message : (error.stack ?? error.message)}\n`);
    process.exit(known ? 2 : 70);
  },
);
