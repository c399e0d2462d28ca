/**
 * Stories: small scripts with what a real Linux printed for them, kept as text in stories/*.txt. Always true: each story runs
 * with bash in an empty folder of its own, stdout and stderr are one stream, and its whole output and exit status are
 * compared.
 *
 *     === what it shows
 *     script
 *     --- 0                   (the exit status)
 *     output
 *
 * Recorded on Debian bookworm and read against trixie's programs over the same kernel where the two differ.
 * `npx tsx test/vm/stories.ts NAME` runs stories/NAME.txt on the Linux at hand and prints where it differs from what is
 * recorded; with `--record` it fills in what stories without a `---` line print. A title that ends in `(VM)` tells of
 * something only our machine has: it is not run there.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One story; `output` is undefined while nothing is recorded. */
export interface Story {
  title: string;
  script: string;
  status: number;
  output?: string;
}

const storyFile = (name: string): string => fileURLToPath(new URL(`stories/${name}.txt`, import.meta.url));

/** The stories of stories/NAME.txt. */
export function readStories(name: string): Story[] {
  const blocks = readFileSync(storyFile(name), 'utf8').split(/^=== /m).slice(1);
  return blocks.map((block) => {
    const titleEnd = block.indexOf('\n');
    const title = block.slice(0, titleEnd);
    const body = block.slice(titleEnd + 1);
    const mark = /^--- (\d+)\n/m.exec(body);
    if (!mark) return { title, script: body.trimEnd(), status: 0 };
    const output = body.slice(mark.index + mark[0].length).trimEnd();
    return { title, script: body.slice(0, mark.index).trimEnd(), status: Number(mark[1]), output };
  });
}

/** The text of a stories file. */
const storiesText = (stories: Story[]): string =>
  stories
    .map(({ title, script, status, output }) =>
      `=== ${title}\n${script}\n--- ${status}\n${output ?? ''}`.trimEnd(),
    )
    .join('\n\n')
    .concat('\n');

/** Output without what differs from run to run: the process ids in a shell's notices. */
export const tidy = (output: string): string =>
  output
    .replace(/^(\S+: line \d+:) +\d+ ([A-Z])/gm, '$1 PID $2')
    .replace(/^ +\d+( +\| )/gm, ' PID$1')
    .trimEnd();

/** What the story's script prints on the machine that runs this. */
function tellHere(story: Story): { status: number; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'story-'));
  try {
    // Pipes on both sides, as in the VM (what Node hands over are sockets, which some programs treat otherwise).
    const result = spawnSync(
      '/bin/bash',
      ['-c', `: | /bin/bash -c "$0" | cat; exit \${PIPESTATUS[1]}`, `exec 2>&1\n${story.script}`],
      {
        cwd: folder,
        encoding: 'utf8',
        timeout: 30_000,
        env: {
          HOME: folder,
          LANG: 'C.UTF-8',
          USER: 'root',
          PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        },
      },
    );
    return { status: result.status ?? 128, output: tidy(result.stdout) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function main(name: string, record: boolean): void {
  const stories = readStories(name);
  for (const story of stories) {
    if (story.title.endsWith('(VM)')) continue;
    const here = tellHere(story);
    if (story.output === undefined && record) Object.assign(story, here);
    else if (here.output !== story.output || here.status !== story.status)
      console.log(
        `=== ${story.title}\nrecorded ${story.status}\n${story.output}\nhere ${here.status}\n${here.output}\n`,
      );
  }
  if (record) writeFileSync(storyFile(name), storiesText(stories));
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  main(process.argv[2], process.argv.includes('--record'));
