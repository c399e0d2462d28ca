/**
 * The command behind `npm run image` (clients/cli/image.ts tells it how VMs are run, for provisioning): builds the image with a progress bar; `--list` shows what is inside, `--verify` checks every byte,
 * `--refresh` asks the mirror for newer packages first.
 */
import { statSync } from 'node:fs';
import { builtImage, pruneImages, recipeHash } from './build.ts';
import { listImage } from './list.ts';
import { showProgress } from './progress.ts';
import { ensureImage, provisionedRecipe } from './provision.ts';
import { type Image, openImage, verifyImage } from './reader.ts';

const USAGE = `Usage: npm run image [-- OPTION]
  (none)           make the image if it is not there and say where it is
  --list [PATH]    list what is inside, like ls -lR (all, or below PATH)
  --verify         check the whole image against its checksums
  --refresh        ask the package mirror for newer packages and build again
  --prune          remove images of earlier recipes (VMs made from them need them)`;

async function build(refresh: boolean): Promise<string> {
  const there = refresh ? undefined : builtImage(provisionedRecipe());
  if (there) return there;
  const { onProgress, stop } = showProgress();
  try {
    return await ensureImage({ onProgress, refresh });
  } finally {
    stop();
  }
}

function describe(path: string, image: Image): string {
  const megabytes = (statSync(path).size / 1e6).toFixed(0);
  return `${path}\n${image.inodeCount} files, ${megabytes} MB, ${Object.keys(image.meta.packages ?? {}).length} packages, id ${image.id.slice(0, 16)}`;
}

/** Carries out the command's arguments; answers the exit status. */
export async function imageCommand(args: readonly string[]): Promise<number> {
  const [option, ...rest] = args;
  if (option !== undefined && !['--list', '--verify', '--refresh', '--prune'].includes(option)) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const path = await build(option === '--refresh');
  if (option === '--verify') verifyImage(path);
  const image = openImage(path);
  try {
    if (option === '--list')
      return listImage(image, rest[0] ?? '/', (line) => process.stdout.write(`${line}\n`));
    console.log(describe(path, image));
    if (option === '--prune') {
      for (const name of pruneImages([recipeHash(), provisionedRecipe()])) console.log(`removed ${name}`);
    }
    if (option === '--verify') console.log('Every byte matches its checksum.');
    return 0;
  } finally {
    image.close();
  }
}
