/**
 * A lab with people in it, over a host that keeps machines in a map: what the lab decides does not depend on what runs in them.
 * Always true: two courses; whoever is in `os` is a stranger to `db`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Host, HostError, type VmSpec, type VmStatus } from '../../src/host/types.ts';
import { type Lab, openLab, type Principal, type Role } from '../../src/lab/index.ts';

/** Machines as a map; every call that the lab does not make answers `wrong-state`. */
export class MapHost {
  readonly machines = new Map<string, VmSpec>();
  readonly snapshots = new Set<string>();
  /** Set to make the next `create` or `fork` fail. */
  failure: Error | null = null;

  readonly host: Host = new Proxy({} as Host, {
    get: (_, name: string) => {
      const own = (this as unknown as Record<string, unknown>)[name];
      if (typeof own === 'function') return own.bind(this);
      if (['then', 'getter', 'setter'].includes(name)) return undefined;
      return async () => {
        throw new HostError('wrong-state', `${name} is not for this test`);
      };
    },
  });

  status(id: string): VmStatus {
    const spec = this.spec(id);
    return {
      id,
      state: 'ACTIVE',
      kernel: { release: spec.kernel ?? '4.15', health: 'running', taint: 0, uptimeSec: 1 },
      memory: { quotaBytes: 0, usedBytes: 0 },
      disk: { quotaBytes: 0, usedBytes: 0 },
      instructions: 1,
    };
  }
  async create(spec: VmSpec): Promise<VmStatus> {
    this.fail();
    if (this.machines.has(spec.id)) throw new HostError('exists', 'there already');
    this.machines.set(spec.id, spec);
    return this.status(spec.id);
  }
  async fork(id: string, change: { id: string }): Promise<VmStatus> {
    this.fail();
    return this.create({ ...this.spec(id), ...change });
  }
  async list(): Promise<VmStatus[]> {
    return [...this.machines.keys()].map((id) => this.status(id));
  }
  async update(id: string, change: Partial<VmSpec>): Promise<VmStatus> {
    this.machines.set(id, { ...this.spec(id), ...change });
    return this.status(id);
  }
  async rebuild(id: string): Promise<VmStatus> {
    return this.status(id);
  }
  async remove(id: string): Promise<void> {
    this.spec(id);
    this.machines.delete(id);
  }
  async snapshot(_id: string, snapshotId: string): Promise<{ bytes: number }> {
    this.snapshots.add(snapshotId);
    return { bytes: 4096 };
  }
  async restore(id: string): Promise<VmStatus> {
    return this.status(id);
  }
  async removeSnapshot(_id: string, snapshotId: string): Promise<void> {
    if (!this.snapshots.delete(snapshotId)) throw new HostError('no-such-snapshot', 'not there');
  }
  onEvent(): () => void {
    return () => {};
  }
  async metrics(): Promise<Record<string, number>> {
    return {};
  }

  private spec(id: string): VmSpec {
    const spec = this.machines.get(id);
    if (!spec) throw new HostError('no-such-vm', 'not there');
    return spec;
  }
  private fail(): void {
    const { failure } = this;
    this.failure = null;
    if (failure) throw failure;
  }
}

/** A key pair of ssh-keygen. */
export interface KeyFiles {
  publicKey: string;
  /** `ssh-keygen -Y sign`. */
  sign(message: string, options?: { namespace?: string; hash?: string }): string;
}

const folders: string[] = [];
export const scratchFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'oopsbox-lab-'));
  folders.push(folder);
  return folder;
};
/** Removes what tests left; to be called after all. */
export function cleanUp(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export function makeKey(type: string, bits?: number): KeyFiles {
  const folder = scratchFolder();
  const file = join(folder, 'key');
  const size = bits === undefined ? [] : ['-b', String(bits)];
  execFileSync('ssh-keygen', ['-q', '-t', type, ...size, '-N', '', '-C', `a ${type} key`, '-f', file]);
  return {
    publicKey: readFileSync(`${file}.pub`, 'utf8'),
    sign(message, { namespace = 'oopsbox', hash = 'sha512' } = {}) {
      const text = join(folder, 'message');
      writeFileSync(text, message);
      rmSync(`${text}.sig`, { force: true });
      execFileSync(
        'ssh-keygen',
        ['-q', '-Y', 'sign', '-n', namespace, '-O', `hashalg=${hash}`, '-f', file, text],
        {
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      );
      return readFileSync(`${text}.sig`, 'utf8');
    },
  };
}

export interface TestLab {
  lab: Lab;
  map: MapHost;
  dataFolder: string;
  /** People by login, as who they are. */
  who: Record<string, Principal>;
}

const COURSES: Record<string, Record<string, Role>> = {
  os: { ines: 'instructor', tara: 'ta', anil: 'student', bela: 'student', greta: 'grader' },
  db: { otto: 'instructor', olga: 'student' },
};

/** Opens a lab with two courses and their people. */
export async function openTestLab(databaseUrl?: string, dataFolder = scratchFolder()): Promise<TestLab> {
  const map = new MapHost();
  const lab = await openLab({
    dataFolder,
    host: map.host,
    databaseUrl,
    image: { name: 'debian-13', kernels: ['4.15', '6.12'] },
  });
  const who: TestLab['who'] = {};
  const root = await lab.people.create({ login: 'root', admin: true });
  who.root = await lab.auth.principalOf(root.id);
  for (const [slug, people] of Object.entries(COURSES)) {
    const course = await lab.courses.create({ slug, title: `Course ${slug}` });
    for (const [login, role] of Object.entries(people)) {
      const { person } = await lab.members.add(course.id, { login, role });
      who[login] = await lab.auth.principalOf(person.id);
    }
  }
  return { lab, map, dataFolder, who };
}
