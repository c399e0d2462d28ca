/**
 * The second stage of an image: what has to run *inside* a VM (ldconfig, depmod, compiling) is run there once, and
 * what it changed is merged into a new sealed image.
 *
 * Always true: the base image stays as it is; the provisioned image is a base image plus the VM's changes and nothing
 * else; who boots VMs is told to this room ({@link setProvisioner}), since arrows point down.
 */
import { createHash } from 'node:crypto';
import { type BuildOptions, builtImage, ensureBaseImage, recipeHash, rememberImage } from './build.ts';
import { cacheFolder, ImageError, withLock } from './cache.ts';
import { copyTree } from './copy.ts';
import { type Image, openImage } from './reader.ts';
import { find, type Item, link, put, remove, type TreeNode } from './tree.ts';
import { ImageWriter } from './writer.ts';

/** One path of a VM's writable layer after the script ran, as it shall be in the image. Paths are byte strings. */
export type GuestChange =
  | { readonly path: string; readonly kind: 'removed' }
  | ({
      readonly path: string;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      readonly mtimeSec: number;
    } & (
      | { readonly kind: 'dir' }
      | { readonly kind: 'file'; readonly content: Uint8Array }
      | { readonly kind: 'symlink'; readonly target: string }
      /** A further name of a path that this list has before, or that the base has. */
      | { readonly kind: 'link'; readonly target: string }
    ));

/** Boots a VM from an image, runs a shell script as root and answers what it changed on the disk. */
export type RunInVm = (
  imagePath: string,
  script: string,
) => Promise<{ status: number; output: string; changes: GuestChange[] }>;

/** What a fresh machine still needs; every line must hold on a booted VM. Its text is part of the recipe. */
export const PROVISION_SCRIPT = `set -e
ldconfig
for common in /usr/src/linux-headers-*; do
	[ -d "$common/scripts/mod" ] || continue
	gcc -O1 -static -o "$common/scripts/mod/modpost" "$common/scripts/mod/modpost.c"
	gcc -O1 -static -o "$common/scripts/basic/fixdep" "$common/scripts/basic/fixdep.c"
done
for version in /lib/modules/*; do
	cp -r /usr/lib/oopsbox/stock /tmp/stock
	make -C "$version/build" M=/tmp/stock modules >/dev/null
	make -C "$version/build" M=/tmp/stock INSTALL_MOD_DIR=kernel modules_install >/dev/null
	sed 's|^kernel/||; s|^/tmp/stock/|kernel/|; s|\\.o$|.ko|' /tmp/stock/modules.order >"$version/modules.order"
	rm -rf /tmp/stock
done
for version in /lib/modules/*; do depmod "\${version##*/}"; done
gcc -O1 -static -o /usr/lib/oopsbox/sshd-session /usr/lib/oopsbox/ssh/session.c
gcc -O1 -o /usr/bin/last /usr/lib/oopsbox/ssh/last.c
`;

/** Folders whose changes never belong in an image: run-time state, logs and other mounts. */
const TRANSIENT = /^\/(proc|sys|dev|run|tmp|var\/tmp|var\/log|root\/\.|home)(\/|$)/;

let provisioner: RunInVm | undefined;

/** Tells how VMs are run; without it {@link ensureImage} answers the base image. */
export function setProvisioner(runInVm: RunInVm | undefined): void {
  provisioner = runInVm;
}

/**
 * The path of the image of the present recipe, provisioned when a provisioner is known; builds what is missing. A
 * second call takes no time.
 */
export async function ensureImage(options: BuildOptions = {}): Promise<string> {
  const runInVm = provisioner;
  if (!runInVm) return ensureBaseImage(options);
  const recipe = provisionedRecipe();
  const there = options.refresh ? undefined : builtImage(recipe);
  if (there) return there;
  const base = await ensureBaseImage(options);
  const wait = () => options.onProgress?.('provision', 0, 'another process is provisioning the image');
  return withLock('provision', wait, async () => {
    const meanwhile = options.refresh ? undefined : builtImage(recipe);
    if (meanwhile) return meanwhile;
    options.onProgress?.('provision', 0);
    const path = await provision(base, runInVm);
    rememberImage(recipe, path);
    options.onProgress?.('provision', 1);
    return path;
  });
}

/** Hash that names the provisioned image of the present recipe. */
export function provisionedRecipe(): string {
  return createHash('sha256').update(recipeHash()).update(PROVISION_SCRIPT).digest('hex');
}

/** Runs the provisioning script on the base image and seals the result; answers its path. */
export async function provision(basePath: string, runInVm: RunInVm): Promise<string> {
  const { status, output, changes } = await runInVm(basePath, PROVISION_SCRIPT);
  if (status !== 0) {
    const last = output.trimEnd().split('\n').slice(-3).join(' / ');
    throw new ImageError(`Provisioning the image failed inside the VM with status ${status}: ${last}`);
  }
  const base = openImage(basePath);
  try {
    return mergeChanges(base, changes, { stage: 'provisioned', base: base.id }).path;
  } finally {
    base.close();
  }
}

/** Seals a new image: the base with the changes on top. */
export function mergeChanges(
  base: Image,
  changes: readonly GuestChange[],
  meta: Record<string, unknown>,
  folder: string = cacheFolder(),
): { path: string; id: string } {
  const writer = new ImageWriter(folder);
  try {
    const root = copyTree(base, writer);
    for (const change of changes) if (!TRANSIENT.test(change.path)) apply(root, writer, change);
    return writer.seal(root, { ...base.meta, ...meta });
  } catch (error) {
    writer.discard();
    throw error;
  }
}

function apply(root: TreeNode, writer: ImageWriter, change: GuestChange): void {
  if (change.kind === 'removed') {
    remove(root, change.path);
    return;
  }
  if (change.kind === 'link') {
    link(root, change.path, change.target);
    return;
  }
  const meta = { perm: change.mode & 0o7777, uid: change.uid, gid: change.gid, mtimeSec: change.mtimeSec };
  const item: Item =
    change.kind === 'file'
      ? { ...meta, kind: 'file', content: writer.add(change.content) }
      : change.kind === 'symlink'
        ? { ...meta, kind: 'symlink', target: change.target }
        : { ...meta, kind: 'dir' };
  const there = find(root, change.path);
  if (item.kind === 'dir' && there && !there.children) remove(root, change.path);
  put(root, change.path, item);
}
