/** `oopsbox`: reads the command line and hands over to the command, which is loaded only then. */
import { Command, CommanderError } from 'commander';
import { UsageError } from './errors.ts';
import type { Remote } from './remote.ts';

/** Errors that are the caller's to mend: printed as one line, exit status 2. */
const KNOWN = new Set([
  'ImageError',
  'CheckpointError',
  'ProcessError',
  'UsageError',
  'ServerError',
  'ServerStartError',
]);
let status = 0;
const answers = async (work: Promise<number>): Promise<void> => {
  status = await work;
};

const program = new Command('oopsbox')
  .description('A lab server where every student gets a simulated Linux VM that is safe to crash')
  .exitOverride()
  .enablePositionalOptions()
  .showHelpAfterError('(oopsbox --help shows what there is)');

program
  .command('start')
  .description('run the lab server (what npm start does)')
  .action(async () => (await import('../../src/server/main.ts')).startServer());

program
  .command('run')
  .description('a VM in this process, without a server: its console, or one command with -c')
  .option('-c, --command <command>', 'run one command with bash -c and leave with its exit status')
  .option('--user <name>', 'who runs it (default: root with -c, student on a terminal)')
  .option('--kernel <version>', 'which kernel the VM says it is')
  .option('--memory <MiB>', "the VM's memory (default 512)")
  .option('--append <words>', "added to the kernel's command line, such as kasan or kmemleak=on")
  .option('--checkpoint <file>', 'load the VM from this file if it exists, save it there on leaving')
  .option('--deterministic', 'time is derived from retired instructions, entropy from a fixed seed')
  .action(async (options) => answers((await import('./run.ts')).runCommand(options)));

/** A command that talks to a server. */
const remotely = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .exitOverride()
    .option('--url <address>', 'the lab server (default: OOPSBOX_URL, or this machine)')
    .option('-i, --identity <file>', 'ssh key to sign in with (default: the agent, then ~/.ssh)');

const remoteOf = async (command: Command): Promise<Remote> => {
  const { Remote } = await import('./remote.ts');
  return new Remote(command.opts());
};

program.addCommand(
  remotely('ssh', "a terminal on a VM (Ctrl-] leaves, the session's exit status is passed on)")
    .argument('<vm>', 'name or id')
    .option('--session <id>', 'join a session that is there instead of a new one')
    .action(async (name: string, options: { session?: string }, command: Command) => {
      const remote = await remoteOf(command);
      const vm = await remote.findVm(name.replace(/^student@/, ''));
      const { attachTerminal } = await import('./terminal.ts');
      await answers(attachTerminal(remote, `/vms/${vm.id}/terminal`, options.session ?? null));
    }),
);

program.addCommand(
  remotely('console', "a VM's serial console: boot messages, oopses, a login (Ctrl-] leaves)")
    .argument('<vm>', 'name or id')
    .action(async (name: string, _options, command: Command) => {
      const remote = await remoteOf(command);
      const vm = await remote.findVm(name);
      const { attachTerminal } = await import('./terminal.ts');
      await answers(attachTerminal(remote, `/vms/${vm.id}/console`, null));
    }),
);

program.addCommand(
  remotely('exec', 'run one command on a VM: its output and exit status become this one')
    .argument('<vm>', 'name or id')
    .argument('<command...>', 'one word is a shell command, more are run as they are')
    .option('--user <name>', 'who runs it (default: the login user)')
    .option('--json', 'the whole answer: kernel log, what changed, instructions')
    .passThroughOptions()
    .action(async (name: string, words: string[], options, command: Command) => {
      const { execOnVm } = await import('./vm.ts');
      await answers(execOnVm(await remoteOf(command), name, words, options));
    }),
);

program.addCommand(
  remotely('link', 'print an address that opens a VM in a browser, signed in')
    .argument('<vm>', 'name or id')
    .action(async (name: string, _options, command: Command) => {
      const { linkToVm } = await import('./vm.ts');
      await answers(linkToVm(await remoteOf(command), name));
    }),
);

program.addCommand(
  remotely('hosts', 'the lines of /etc/hosts that name your VMs, for ssh -p 2222 student@NAME')
    .option('--write', 'put them into the file, in place of those of before')
    .option('--file <path>', 'which file (default /etc/hosts)')
    .action(async (options: { write?: boolean; file?: string }, command: Command) => {
      const { hostsCommand } = await import('./hosts.ts');
      await answers(hostsCommand(await remoteOf(command), options));
    }),
);

const vm = new Command('vm').description('list, make, restart and delete VMs').exitOverride();
vm.addCommand(
  remotely('list', 'the VMs you may see')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const { listVms } = await import('./vm.ts');
      await answers(listVms(await remoteOf(command), options.json === true));
    }),
);
vm.addCommand(
  remotely('create', 'make a VM and start it')
    .argument('<name>', 'its host name')
    .option('--course <course>', 'where you are in several')
    .option('--kernel <version>', 'which kernel it says it is')
    .action(async (name: string, options: { course?: string; kernel?: string }, command: Command) => {
      const { createVm } = await import('./vm.ts');
      await answers(createVm(await remoteOf(command), name, options));
    }),
);
for (const action of ['start', 'stop', 'reboot'] as const)
  vm.addCommand(
    remotely(action, `${action} a VM`)
      .argument('<vm>', 'name or id')
      .option('--hard', 'as if the power was cut')
      .action(async (name: string, options: { hard?: boolean }, command: Command) => {
        const { actOnVm } = await import('./vm.ts');
        const body = action === 'start' ? {} : { type: options.hard ? 'hard' : 'soft' };
        await answers(actOnVm(await remoteOf(command), name, action, body));
      }),
  );
vm.addCommand(
  remotely('rebuild', 'throw its disk away and start from the image again')
    .argument('<vm>', 'name or id')
    .action(async (name: string, _options, command: Command) => {
      const { actOnVm } = await import('./vm.ts');
      await answers(actOnVm(await remoteOf(command), name, 'rebuild'));
    }),
);
vm.addCommand(
  remotely('delete', 'delete a VM and everything on it')
    .argument('<vm>', 'name or id')
    .action(async (name: string, _options, command: Command) => {
      const { deleteVm } = await import('./vm.ts');
      await answers(deleteVm(await remoteOf(command), name));
    }),
);
program.addCommand(vm);

try {
  await program.parseAsync();
  if (!process.argv.includes('start') || status !== 0) process.exit(status);
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  const known = error instanceof UsageError || KNOWN.has((error as Error).name);
  process.stderr.write(`oopsbox: ${known ? (error as Error).message : (error as Error).stack}\n`);
  process.exit(known ? 2 : 70);
}
