/**
 * The machine of the recordings, rebuilt in a VM: its kernel, its hosts file, the recorder, the two small programs and all modules,
 * compiled where they were compiled there (/m). The .ko files are kept in the cache, by image and sources; all else is made anew.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, writeWhole } from '../../src/image/cache.ts';
import { readHostFile, writeHostFile } from '../../src/kernel/fs/host.ts';
import { type Student, student, workbench } from '../vm/student.ts';

export const RECORDINGS = new URL('./', import.meta.url).pathname;
/** The release of the recordings. */
export const RELEASE = '6.12.107+deb13-riscv64';
const HOSTS = `127.0.0.1\tlocalhost
127.0.1.1\tcomp3000
::1\tlocalhost ip6-localhost ip6-loopback
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;
const source = (path: string): Buffer => readFileSync(`${RECORDINGS}${path}`);

/** Compiles modules of modules/Makefile (all when none are named) in `vm` and answers a tar of the .ko files. */
function compileModules(vm: Student, modules: readonly string[]): Uint8Array {
  const chosen = modules.length > 0 ? `obj-m='${modules.map((name) => `${name}.o`).join(' ')}'` : '';
  for (const file of readdirSync(`${RECORDINGS}modules`))
    writeHostFile(vm.vm.kernel, `/m/${file}`, source(`modules/${file}`));
  const made = vm.sh(
    `make -C /m ${chosen} > /tmp/make.log 2>&1; ls /m/*.ko > /dev/null && tar cf /tmp/ko.tar -C /m --mode 644 $(cd /m && echo *.ko)`,
    {
      budget: 200e9,
    },
  );
  if (made.status !== 0) throw new Error(vm.sh('cat /tmp/make.log').stdout);
  const tar = readHostFile(vm.vm.kernel, '/tmp/ko.tar');
  if (typeof tar === 'number') throw new Error(`no tar: ${tar}`);
  return tar;
}

/** The tar of the compiled modules, from the cache or made now (all: two minutes). */
async function moduleFiles(modules: readonly string[]): Promise<Uint8Array> {
  const { image } = await workbench();
  const hash = createHash('sha256').update(image.id).update(modules.join());
  for (const file of readdirSync(`${RECORDINGS}modules`).sort()) hash.update(source(`modules/${file}`));
  const path = join(cacheFolder('recordings'), `modules-${hash.digest('hex').slice(0, 16)}.tar`);
  if (!existsSync(path)) writeWhole(path, compileModules(await student({ release: RELEASE }), modules));
  return readFileSync(path);
}

/** A VM as the recorded guest was before each section. Sections run in forks of it. */
export async function recordedLab(modules: readonly string[] = []): Promise<Student> {
  const tar = await moduleFiles(modules);
  const lab = await student({ release: RELEASE });
  const { kernel } = lab.vm;
  writeHostFile(kernel, '/root/rec.c', source('rec.c'));
  for (const program of ['badread', 'ioc'])
    writeHostFile(kernel, `/root/${program}.c`, source(`user/${program}.c`));
  writeHostFile(kernel, '/tmp/ko.tar', tar);
  writeHostFile(kernel, '/etc/hosts', Buffer.from(HOSTS));
  lab.out(
    [
      'for p in rec badread ioc; do gcc -O1 -w -o /usr/local/bin/$p /root/$p.c; rm /root/$p.c; done',
      'hostname comp3000; echo comp3000 > /etc/hostname',
      'install -d -o student -g student /home/student/m',
      'tar xmf /tmp/ko.tar -C /home/student/m; chown student: /home/student/m/*; rm /tmp/ko.tar',
    ].join('\n'),
    { budget: 60e9 },
  );
  return lab;
}

/** The folders of build.txt: one for each module, with the Makefile that a student would have. */
export function layBuildFolders(lab: Student): void {
  const makefile = source('modules/Makefile.one').toString();
  const home = '/home/student/comp3000';
  const owned = { uid: 1000, gid: 1000 };
  for (const file of readdirSync(`${RECORDINGS}modules`)) {
    const name = /^(\w+)\.c$/.exec(file)?.[1];
    if (!name) continue;
    writeHostFile(lab.vm.kernel, `${home}/${name}/${file}`, source(`modules/${file}`), owned);
    writeHostFile(
      lab.vm.kernel,
      `${home}/${name}/Makefile`,
      Buffer.from(makefile.replace('MODULE', name)),
      owned,
    );
  }
  lab.out(`chown -R student: ${home}`);
}
