/**
 * Machines as the lab keeps them. Always true: a row comes before its machine and goes after it, so whatever moment the server
 * dies at, the next start finds in the database what was meant (BUILD, DELETING) and finishes it; names are unique in a course
 * and addresses everywhere by the database's own constraints.
 */
import { type Host, HostError, type VmQuotas, type VmSpec } from '../host/types.ts';
import type { Addresses } from './addresses.ts';
import type { Authorizer } from './authorize.ts';
import { noSuchVm } from './authorize.ts';
import { Checks, isTaken, LABEL, LABEL_RULE, VM_NAME, VM_NAME_RULE } from './checks.ts';
import { checkQuotas, courseWhere } from './courses.ts';
import type { Prisma, PrismaClient } from './database/index.ts';
import { isId, newId, pageOf, pageQuery } from './ids.ts';
import { noSuchPerson, personWhere } from './people.ts';
import {
  type CourseRecord,
  LabError,
  type Principal,
  type VmRecord,
  type VmService,
  type VmView,
} from './types.ts';
import { snapshotRecord, type VmRow, vmRecord, withNames } from './vm-record.ts';

const SNAPSHOTS_PER_VM = 20;

type NewRow = Omit<Prisma.VmUncheckedCreateInput, 'id' | 'address' | 'state'>;

export interface VmServiceParts {
  db: PrismaClient;
  host: Host;
  authorizer: Authorizer;
  addresses: Addresses;
  /** The image that new machines are made of. */
  image: { name: string; kernels: readonly string[] } | null;
  log(level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>): void;
}

/** What the host must know to make the machine of a row. */
export const specOf = (vm: VmRecord): VmSpec => ({
  id: vm.id,
  hostname: vm.name,
  ...(vm.kernel === null ? {} : { kernel: vm.kernel }),
  deterministic: vm.deterministic,
  quotas: vm.quotas,
});

export function vmService({ db, host, authorizer, addresses, image, log }: VmServiceParts): VmService {
  type Listener = Parameters<VmService['onChange']>[0];
  const listeners = new Set<Listener>();
  const told = (kind: Parameters<Listener>[0]['kind'], vm: VmRecord) => {
    authorizer.forget();
    for (const listener of listeners) listener({ kind, vm });
  };

  async function view(vm: VmRecord): Promise<VmView> {
    if (vm.state !== 'READY') return { ...vm, status: null };
    try {
      return { ...vm, status: await host.status(vm.id) };
    } catch (error) {
      if (error instanceof HostError && error.code === 'no-such-vm') return { ...vm, status: null };
      throw error;
    }
  }

  /** The person a machine is made for, who must have a part in the course. */
  async function ownerFor(
    principal: Principal,
    course: CourseRecord,
    ref: string | undefined,
  ): Promise<string> {
    if (ref === undefined || ref === principal.login || ref === principal.personId) return principal.personId;
    await authorizer.authorizeCourse(principal, 'vm.create.for', course.id);
    const person = personWhere(ref);
    const part = person && (await db.membership.findFirst({ where: { courseId: course.id, person } }));
    if (!part) throw noSuchPerson();
    return part.personId;
  }

  /** Students and assistants own a few machines; who runs the course or grades it owns as many as that takes. */
  async function checkSeat(course: CourseRecord, ownerId: string): Promise<void> {
    const part = await db.membership.findUnique({
      where: { courseId_personId: { courseId: course.id, personId: ownerId } },
    });
    if (part?.role !== 'student' && part?.role !== 'ta') return;
    const owned = await db.vm.count({ where: { courseId: course.id, ownerId } });
    const most = course.settings.vmsPerPerson;
    if (owned >= most)
      throw new LabError(
        'quota',
        `${course.slug} gives each member ${most} VM${most === 1 ? '' : 's'}: delete one first.`,
      );
  }

  /** One at a time from the count to the row, so that a burst of requests does not get past the limit. */
  let seats: Promise<unknown> = Promise.resolve();
  function seated(course: CourseRecord, ownerId: string, data: NewRow): Promise<VmRecord> {
    const made = seats.then(async () => {
      await checkSeat(course, ownerId);
      return insert(data);
    });
    seats = made.catch(() => {});
    return made;
  }

  async function insert(data: NewRow): Promise<VmRecord> {
    const address = addresses.take();
    try {
      const row = await db.vm.create({
        data: { ...data, id: newId(), address, state: 'BUILD' },
        include: withNames,
      });
      const vm = vmRecord(row);
      told('added', vm);
      return vm;
    } catch (error) {
      addresses.release(address);
      if (isTaken(error)) throw new LabError('exists', `The course has a VM named ${data.name} already.`);
      throw error;
    }
  }

  /** Carries the making of a machine out: READY after it, no row when the host refused, ERROR when it broke. */
  async function build(vm: VmRecord, make: () => Promise<unknown>): Promise<VmView> {
    try {
      await make();
    } catch (error) {
      if (error instanceof HostError) {
        await drop(vm);
        throw error;
      }
      log('error', 'a VM could not be made', { vmId: vm.id, error: String(error) });
      await setState(vm.id, {
        state: 'ERROR',
        fault: 'The server made a mistake while making it; its log says more.',
      });
      throw error;
    }
    return view(await setState(vm.id, { state: 'READY' }));
  }

  async function setState(id: string, data: Prisma.VmUncheckedUpdateInput): Promise<VmRecord> {
    const vm = vmRecord(await db.vm.update({ where: { id }, data, include: withNames }));
    told('changed', vm);
    return vm;
  }

  async function drop(vm: VmRecord): Promise<void> {
    await removeMachine(vm.id);
    await db.vm.deleteMany({ where: { id: vm.id } });
    addresses.release(vm.address);
    told('removed', vm);
  }

  async function removeMachine(id: string): Promise<void> {
    try {
      await host.remove(id);
    } catch (error) {
      if (!(error instanceof HostError) || error.code !== 'no-such-vm') throw error;
    }
  }

  async function find(where: Prisma.VmWhereInput): Promise<VmRow[]> {
    return db.vm.findMany({ where: { ...where, state: { not: 'DELETING' } }, include: withNames });
  }

  const checkName = (name: string) => {
    const checks = new Checks();
    checks.fits('/name', name, VM_NAME, VM_NAME_RULE);
    return checks;
  };

  /** Machines that the principal may know of, as a condition. */
  async function visible(principal: Principal): Promise<Prisma.VmWhereInput> {
    const inCourse = principal.courseId === null ? {} : { courseId: principal.courseId };
    if (principal.admin) return inCourse;
    const parts = await db.membership.findMany({ where: { personId: principal.personId, ...inCourse } });
    const seesAll: string[] = [];
    const seesOwn: string[] = [];
    for (const { courseId } of parts) {
      const relations = await authorizer.relations(principal, { courseId });
      if (relations.includes('student')) seesOwn.push(courseId);
      else if (!relations.includes('stranger')) seesAll.push(courseId);
    }
    const person = await db.person.findUnique({ where: { id: principal.personId }, select: { admin: true } });
    if (person?.admin && principal.courseId !== null) seesAll.push(principal.courseId);
    return {
      OR: [{ courseId: { in: seesAll } }, { courseId: { in: seesOwn }, ownerId: principal.personId }],
    };
  }

  async function findSnapshot(vm: VmRecord, ref: string) {
    const row = isId(ref)
      ? await db.snapshot.findFirst({ where: { id: ref, vmId: vm.id, ready: true } })
      : LABEL.test(ref)
        ? await db.snapshot.findFirst({ where: { name: ref, vmId: vm.id, ready: true } })
        : null;
    if (!row) throw new LabError('not-found', 'The VM has no such snapshot.', [], 'no-such-snapshot');
    return row;
  }

  return {
    view,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    async list(principal, { course, owner, name, address, ...page }) {
      const query = pageQuery(page);
      const filter: Prisma.VmWhereInput = { state: { not: 'DELETING' } };
      if (course !== undefined)
        filter.courseId = (await authorizer.authorizeCourse(principal, 'course.read', course)).id;
      if (owner !== undefined) {
        const person = personWhere(owner);
        if (!person) return { items: [], next: null };
        filter.owner = person;
      }
      if (name !== undefined) filter.name = name;
      if (address !== undefined) filter.address = address;
      const rows = await db.vm.findMany({
        ...query,
        where: { AND: [query.where, filter, await visible(principal)] },
        include: withNames,
      });
      const page_ = pageOf(query, rows, vmRecord);
      return { ...page_, items: await Promise.all(page_.items.map(view)) };
    },
    async get(id) {
      const [row] = isId(id) ? await find({ id }) : [];
      if (!row) throw noSuchVm();
      return vmRecord(row);
    },
    async byAddress(address) {
      const [row] = await find({ address });
      return row ? vmRecord(row) : null;
    },
    async byName(name, course) {
      if (!VM_NAME.test(name)) return [];
      const where = course === undefined ? {} : courseWhere(course);
      if (!where) return [];
      return (await find({ name, ...(course === undefined ? {} : { course: where }) })).map(vmRecord);
    },
    all: async () => (await find({})).map(vmRecord),

    async create(principal, spec) {
      const course = await authorizer.authorizeCourse(principal, 'vm.create', spec.course);
      const checks = checkName(spec.name);
      checkQuotas(checks, '/quotas', spec.quotas);
      if (spec.kernel !== undefined && image && !image.kernels.includes(spec.kernel))
        checks.errors.push({ where: '/kernel', message: `must be one of ${image.kernels.join(', ')}` });
      checks.done('The VM');
      if (spec.image !== undefined && spec.image !== image?.name)
        throw new LabError('invalid', 'There is no such image: see GET /images.', [], 'no-such-image');
      if (spec.quotas !== undefined) {
        const relations = await authorizer.relations(principal, { courseId: course.id });
        if (!relations.includes('admin') && !relations.includes('instructor'))
          throw new LabError('forbidden', 'Only instructors set the quotas of a VM.');
      }
      const ownerId = await ownerFor(principal, course, spec.owner);
      const vm = await seated(course, ownerId, {
        courseId: course.id,
        ownerId,
        name: spec.name,
        image: image?.name ?? null,
        kernel: spec.kernel ?? null,
        deterministic: spec.deterministic ?? false,
        quotas: { ...course.settings.quotas, ...spec.quotas } satisfies VmQuotas,
      });
      return build(vm, () => host.create(specOf(vm)));
    },

    async fork(principal, parent, { name, deterministic }) {
      const course = await authorizer.authorizeCourse(principal, 'course.read', parent.courseId);
      checkName(name).done('The fork');
      const vm = await seated(course, principal.personId, {
        courseId: parent.courseId,
        ownerId: principal.personId,
        name,
        image: parent.image,
        kernel: parent.kernel,
        deterministic: deterministic ?? parent.deterministic,
        quotas: { ...parent.quotas },
        forkedFrom: parent.id,
      });
      return build(vm, () =>
        host.fork(parent.id, { id: vm.id, hostname: vm.name, deterministic: vm.deterministic }),
      );
    },

    async update(principal, vm, { name, kernel, quotas }) {
      const checks = name === undefined ? new Checks() : checkName(name);
      checkQuotas(checks, '/quotas', quotas);
      if (kernel !== undefined && image && !image.kernels.includes(kernel))
        checks.errors.push({ where: '/kernel', message: `must be one of ${image.kernels.join(', ')}` });
      checks.done('The change');
      if (quotas !== undefined) await authorizer.authorizeVm(principal, 'vm.quotas', vm.id);
      if (name !== undefined || kernel !== undefined)
        await authorizer.authorizeVm(principal, 'vm.reset', vm.id);
      const merged = { ...vm.quotas, ...quotas };
      try {
        const data = { name, kernel, ...(quotas === undefined ? {} : { quotas: merged }) };
        const record = await setState(vm.id, data);
        await host.update(vm.id, {
          ...(name === undefined ? {} : { hostname: name }),
          ...(kernel === undefined ? {} : { kernel }),
          ...(quotas === undefined ? {} : { quotas: merged }),
        });
        return view(record);
      } catch (error) {
        if (isTaken(error)) throw new LabError('exists', `The course has a VM named ${name} already.`);
        throw error;
      }
    },

    async rebuild(vm, { kernel }) {
      const checks = new Checks();
      if (kernel !== undefined && image && !image.kernels.includes(kernel))
        checks.errors.push({ where: '/kernel', message: `must be one of ${image.kernels.join(', ')}` });
      checks.done('The change');
      await host.rebuild(vm.id, kernel === undefined ? {} : { kernel });
      return view(
        await setState(vm.id, {
          state: 'READY',
          fault: null,
          image: image?.name ?? vm.image,
          ...(kernel === undefined ? {} : { kernel }),
        }),
      );
    },

    async remove(vm) {
      await setState(vm.id, { state: 'DELETING' });
      await drop(vm);
    },

    async snapshots(vm, page) {
      const query = pageQuery(page);
      const rows = await db.snapshot.findMany({
        ...query,
        where: { ...query.where, vmId: vm.id, ready: true },
      });
      return pageOf(query, rows, snapshotRecord);
    },
    async snapshot(vm, name) {
      const checks = new Checks();
      checks.fits('/name', name, LABEL, LABEL_RULE);
      if (isId(name)) checks.errors.push({ where: '/name', message: 'must not look like an id' });
      checks.done('The snapshot');
      if ((await db.snapshot.count({ where: { vmId: vm.id } })) >= SNAPSHOTS_PER_VM)
        throw new LabError('quota', `A VM has at most ${SNAPSHOTS_PER_VM} snapshots: delete one first.`);
      const id = newId();
      try {
        await db.snapshot.create({ data: { id, vmId: vm.id, name, bytes: 0 } });
      } catch (error) {
        if (isTaken(error)) throw new LabError('exists', `The VM has a snapshot named ${name} already.`);
        throw error;
      }
      try {
        const { bytes } = await host.snapshot(vm.id, id);
        return snapshotRecord(
          await db.snapshot.update({ where: { id }, data: { ready: true, bytes: BigInt(bytes) } }),
        );
      } catch (error) {
        await db.snapshot.deleteMany({ where: { id } });
        throw error;
      }
    },
    getSnapshot: async (vm, ref) => snapshotRecord(await findSnapshot(vm, ref)),
    async restore(vm, ref) {
      const { id } = await findSnapshot(vm, ref);
      await host.restore(vm.id, id);
      return view(vm);
    },
    async removeSnapshot(vm, ref) {
      const { id } = await findSnapshot(vm, ref);
      await db.snapshot.update({ where: { id }, data: { ready: false } });
      await host.removeSnapshot(vm.id, id);
      await db.snapshot.deleteMany({ where: { id } });
    },
  };
}
