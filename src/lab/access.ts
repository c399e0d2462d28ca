/**
 * Who may do what, declared once. Always true: a pair that the table does not name is refused, and what a refusal looks like
 * (403 or 404) depends only on whether the caller may know that the thing exists.
 */

/**
 * What one can be to a course, and to a machine of it. `owner` comes with the role: a student who owns a machine is
 * `student` and `owner` of it. `member` is nobody's alone: `stranger` is everyone without a part in the course.
 */
export type Relation = 'admin' | 'instructor' | 'ta' | 'grader' | 'student' | 'owner' | 'stranger';

/** A setting of the course that opens a cell of the table. */
export type Condition = 'taMayWrite' | 'studentsMayCreate';

/** `true`, or the course's setting that decides. */
type Rule = true | Condition;
type Row = Partial<Record<Exclude<Relation, 'admin' | 'stranger'>, Rule>>;

/** Every action on a machine. Admins may all of it, strangers none. */
export const vmActions = {
  /** State, console, files, kernel view, events, watching terminals: looking without touching. */
  'vm.read': { instructor: true, ta: true, grader: true, owner: true },
  /** Start, stop, reboot, files, exec, terminal input, host names, taking snapshots: whatever changes the machine. */
  'vm.use': { instructor: true, ta: 'taMayWrite', grader: true, owner: true },
  /** A copy that belongs to the caller. */
  'vm.fork': { instructor: true, ta: true, grader: true, owner: 'studentsMayCreate' },
  /** Rebuild, restore, name: what throws the machine's present away or makes it another. */
  'vm.reset': { instructor: true, owner: true },
  'vm.delete': { instructor: true, owner: true },
  /** Memory, disk, CPU share… */
  'vm.quotas': { instructor: true },
} as const satisfies Record<string, Row>;

/** Every action on a course. */
export const courseActions = {
  'course.read': { instructor: true, ta: true, grader: true, student: true },
  'course.manage': { instructor: true },
  'course.delete': {},
  'member.list': { instructor: true, ta: true, grader: true },
  'member.manage': { instructor: true },
  'audit.read': { instructor: true },
  'vm.create': { instructor: true, ta: true, grader: true, student: 'studentsMayCreate' },
  /** A machine for someone else of the course. */
  'vm.create.for': { instructor: true },
  'token.grader': { instructor: true },
} as const satisfies Record<string, Row>;

/** Actions on oneself or on the lab. `anyone`: every principal, `admin`: admins only. */
export const labActions = {
  /** One's own account, keys, tokens; lists show only what is the caller's to see. */
  'self.read': 'anyone',
  'course.list': 'anyone',
  'vm.list': 'anyone',
  'image.list': 'anyone',
  /** Keys open every door of their person: only a session, or a token that is bound to no course, may change them. */
  'keypair.manage': 'unbound',
  'token.manage': 'unbound',
  'course.create': 'admin',
  'audit.read.all': 'admin',
} as const satisfies Record<string, 'anyone' | 'unbound' | 'admin'>;

export type VmAction = keyof typeof vmActions;
export type CourseAction = keyof typeof courseActions;
export type LabAction = keyof typeof labActions;
export type Action = VmAction | CourseAction | LabAction;

/** `hidden` is refused as if the thing were not there. */
export type Verdict = 'allow' | 'forbidden' | 'hidden';

/** What one who is `relations` to a thing may do to it, under the settings of its course. */
export function decide(
  action: VmAction | CourseAction,
  relations: readonly Relation[],
  settings: Readonly<Record<Condition, boolean>>,
): Verdict {
  if (relations.includes('admin')) return 'allow';
  const allows = (row: Row) =>
    relations.some((relation) => {
      const rule = row[relation as keyof Row];
      return rule === true || (rule !== undefined && settings[rule]);
    });
  const onVm = action in vmActions;
  if (allows(onVm ? vmActions[action as VmAction] : courseActions[action as CourseAction])) return 'allow';
  return allows(onVm ? vmActions['vm.read'] : courseActions['course.read']) ? 'forbidden' : 'hidden';
}

/** What a principal may do that is about no course. */
export function decideLab(
  action: LabAction,
  principal: { admin: boolean; courseId: string | null },
): Verdict {
  const rule = labActions[action];
  if (rule === 'admin') return principal.admin ? 'allow' : 'forbidden';
  if (rule === 'unbound') return principal.courseId === null ? 'allow' : 'forbidden';
  return 'allow';
}

export const isVmAction = (action: Action): action is VmAction => Object.hasOwn(vmActions, action);
