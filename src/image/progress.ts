/** How the building of an image looks to the person who waits for it. */
import { SingleBar } from 'cli-progress';
import type { BuildOptions, Stage } from './build.ts';

const TITLES: Record<Stage, string> = {
  resolve: 'Asking the mirror',
  download: 'Downloading',
  unpack: 'Unpacking',
  seal: 'Sealing',
  provision: 'Provisioning',
};

/** Shows a build's progress: a bar on a terminal, one line a stage elsewhere. Answers what to call when it is over. */
export function showProgress(): { onProgress: BuildOptions['onProgress']; stop: () => void } {
  const tty = process.stderr.isTTY;
  const bar = new SingleBar({
    format: '{title} [{bar}] {percentage}% {note}',
    hideCursor: true,
    stream: process.stderr,
  });
  let stage: Stage | undefined;
  const onProgress = (now: Stage, share: number, note = '') => {
    const title = TITLES[now].padEnd(17);
    if (now !== stage) {
      if (tty && stage === undefined) bar.start(100, 0, { title, note });
      else if (!tty) process.stderr.write(`${title.trimEnd()}${note ? ` (${note})` : ''}...\n`);
      stage = now;
    }
    if (tty) bar.update(Math.round(share * 100), { title, note });
  };
  return { onProgress, stop: () => bar.stop() };
}
