/** `npm run syscalls`: prints the system call table as Markdown, from the declarations alone. */
import '../index.ts';
import { allSyscalls } from './table.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

const entries = allSyscalls();
const count = (support: string): number => entries.filter((entry) => entry.support === support).length;
const lines = [
  '# System calls',
  '',
  `${entries.length} calls: ${count('full')} full, ${count('partial')} partial, ${count('accepted')} accepted without effect.`,
  'Any other number answers ENOSYS.',
  '',
  '| number | name | arguments | support | note |',
  '| ---: | --- | --- | --- | --- |',
  ...entries.map(
    ({ nr, name, args, support, note }) =>
      `| ${nr} | ${name} | ${args.join(', ')} | ${support} | ${cell(note)} |`,
  ),
];
process.stdout.write(`${lines.join('\n')}\n`);
