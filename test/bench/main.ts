/** `npm run bench NAME [words] [--json]`: measures one thing and prints a table, or JSON. */
import { benchCpu } from './cpu.ts';
import { benchKernel } from './kernel.ts';
import { benchLab } from './lab.ts';
import { benchModules } from './modules.ts';
import { benchSsh } from './ssh.ts';

const BENCHES: Record<string, (options: { json: boolean; only: string[] }) => Promise<void>> = {
  cpu: benchCpu,
  kernel: benchKernel,
  lab: benchLab,
  modules: benchModules,
  ssh: benchSsh,
};

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const json = process.argv.includes('--json');
const bench = BENCHES[words[0] ?? ''];
if (!bench) {
  process.stderr.write(`usage: npm run bench ${Object.keys(BENCHES).join('|')} [which] [--json]\n`);
  process.exit(2);
}
bench({ json, only: words.slice(1) }).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
