/**
 * What the lab knows and offers: people, courses, keys, tokens, machines' records, and who may do what. Always true: every
 * record here is plain JSON (times are ISO 8601 strings, ids are time-ordered UUIDs), and nothing here knows of HTTP.
 */
import type { VmQuotas, VmStatus } from '../host/types.ts';
import type { Action, Relation } from './access.ts';

/** A person's part in a course. Admin is not one of them: it belongs to the person. */
export type Role = 'instructor' | 'ta' | 'student' | 'grader';

/** Who asks: a person by way of a token. */
export interface Principal {
  personId: string;
  login: string;
  admin: boolean;
  /** The token that speaks. */
  tokenId: string;
  /** `session`: made by a signature, short-lived; `api`: made by POST /tokens. */
  tokenKind: 'session' | 'api';
  /** The only course this token is good for; null: every course of the person. */
  courseId: string | null;
  /** What the token is in its course whatever the person is there (graders). */
  role: Role | null;
}

/** A refusal. `code` is stable and becomes the problem's type; the text says what to do next. */
export class LabError extends Error {
  override name = 'LabError';
  readonly code: LabErrorCode;
  /** What was wrong where: fields of the body, lines of a CSV. */
  readonly errors: readonly FieldError[];
  /** A finer name of the refusal where there is one, as the API's problems are called. */
  readonly kind: LabErrorKind | undefined;
  constructor(code: LabErrorCode, message: string, errors: readonly FieldError[] = [], kind?: LabErrorKind) {
    super(message);
    this.code = code;
    this.errors = errors;
    this.kind = kind;
  }
}
/** Which thing is not there, which proof did not hold, what could not be read. */
export type LabErrorKind =
  | 'no-such-vm'
  | 'no-such-course'
  | 'no-such-person'
  | 'no-such-member'
  | 'no-such-keypair'
  | 'no-such-token'
  | 'no-such-image'
  | 'no-such-snapshot'
  | 'bad-signature'
  | 'bad-challenge'
  | 'bad-ticket'
  | 'bad-key'
  | 'bad-csv'
  | 'bad-cursor';
export type LabErrorCode =
  /** 401: no, unknown, expired or revoked token, or a signature that does not hold. */
  | 'unauthenticated'
  /** 403: the thing is there for the caller to see, but not for this. */
  | 'forbidden'
  /** 404: not there, or not for the caller to know of. */
  | 'not-found'
  /** 409: the name, the login, the key… is taken. */
  | 'exists'
  /** 409: not in this state. */
  | 'wrong-state'
  /** 422: understood and wrong; see `errors`. */
  | 'invalid'
  /** 403: the course's limit is reached. */
  | 'quota'
  /** 422: an Idempotency-Key came back with another request. */
  | 'idempotency-mismatch'
  /** 409: an Idempotency-Key came back while the first request is still being carried out. */
  | 'idempotency-busy';
export interface FieldError {
  /** `/members/2/login`, or `line 3`. */
  where: string;
  message: string;
}

/** One page of a list. `cursor` is opaque: hand back what `next` gave. */
export interface PageRequest {
  cursor?: string;
  /** 1 to 200; default 50. */
  limit?: number;
}
export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface PersonRecord {
  id: string;
  login: string;
  name: string;
  email: string | null;
  admin: boolean;
  createdAt: string;
}

/** What a course lets its people do and what its machines get. */
export interface CourseSettings {
  /** Assistants may write in students' machines, not only watch and fork. */
  taMayWrite: boolean;
  /** Students may make (and fork) machines themselves. */
  studentsMayCreate: boolean;
  /** SSH logins by password, checked against the machine's /etc/shadow. */
  sshPasswords: boolean;
  /** Most machines one member may own. */
  vmsPerPerson: number;
  /** Quotas of a new machine. */
  quotas: VmQuotas;
}
export interface CourseRecord {
  id: string;
  /** Short name, unique: `os-2026`. */
  slug: string;
  title: string;
  settings: CourseSettings;
  createdAt: string;
}
export interface MembershipRecord {
  id: string;
  courseId: string;
  person: { id: string; login: string; name: string; email: string | null };
  role: Role;
  createdAt: string;
}
export interface KeypairRecord {
  id: string;
  name: string;
  /** `ssh-ed25519`, … */
  type: string;
  bits: number;
  /** `SHA256:…` as ssh-keygen -l prints it. */
  fingerprint: string;
  /** One line, OpenSSH format. */
  publicKey: string;
  createdAt: string;
}
export interface TokenRecord {
  id: string;
  name: string;
  kind: 'session' | 'api';
  personId: string;
  courseId: string | null;
  role: Role | null;
  createdAt: string;
  expiresAt: string;
  lastUsedAt: string | null;
}
export interface ImageRecord {
  id: string;
  name: string;
  kernels: string[];
  createdAt: string;
}
export interface VmRecord {
  id: string;
  courseId: string;
  courseSlug: string;
  ownerId: string;
  ownerLogin: string;
  name: string;
  /** 127.x.y.z, the machine's for life. */
  address: string;
  image: string | null;
  kernel: string | null;
  deterministic: boolean;
  quotas: VmQuotas;
  forkedFrom: string | null;
  /** Of the record: what the machine does now is the host's to say, see {@link VmView}. */
  state: 'BUILD' | 'READY' | 'DELETING' | 'ERROR';
  /** Why ERROR. */
  fault: string | null;
  createdAt: string;
}
/** A record with what the host says of the machine; `status` is null while it is being made or when making it failed. */
export interface VmView extends VmRecord {
  status: VmStatus | null;
}
export interface SnapshotRecord {
  id: string;
  vmId: string;
  name: string;
  bytes: number;
  createdAt: string;
}
export interface TerminalSessionRecord {
  id: string;
  /** The host's id of the terminal. */
  terminal: string;
  vmId: string;
  personId: string | null;
  user: string;
  via: 'websocket' | 'ssh';
  remoteAddress: string | null;
  openedAt: string;
  closedAt: string | null;
}
export interface AuditRecord {
  id: string;
  time: string;
  personId: string | null;
  login: string | null;
  tokenId: string | null;
  /** What was done: an action of the access table, or `auth.token`, `ssh.login`… */
  action: string;
  courseId: string | null;
  vmId: string | null;
  remoteAddress: string | null;
  detail: Record<string, unknown>;
}

/** Signing in. */
export interface AuthService {
  /** The principal of a bearer token; throws `unauthenticated`. */
  authenticate(token: string): Promise<Principal>;
  /** Whether the token behind a principal is still good; for connections that outlive the moment of their opening. */
  isLive(principal: Principal): Promise<boolean>;
  /** Text to sign with `ssh-keygen -Y sign -n oopsbox`; good once, for two minutes. The same answer shape for unknown keys. */
  challenge(publicKey: string): Promise<{ challenge: string; expiresAt: string }>;
  /** A session token for an armored SSHSIG over a challenge that was given to this key and not yet used. */
  signIn(
    publicKey: string,
    signature: string,
    challenge?: string,
  ): Promise<{ token: string; expiresAt: string; person: PersonRecord }>;
  /** Revokes the session's own token. */
  signOut(principal: Principal): Promise<void>;
  /** A ticket for a browser's WebSocket or sign-in link: good once, for 30 s, and never for more than the principal. */
  issueTicket(principal: Principal): Promise<{ ticket: string; expiresAt: string }>;
  /** Uses a ticket up; throws `unauthenticated`. */
  redeemTicket(ticket: string): Promise<Principal>;
  /** A ticket becomes a session token (sign-in links). */
  exchangeTicket(ticket: string): Promise<{ token: string; expiresAt: string; person: PersonRecord }>;
  /** A principal for one who proved a registered key by other means (SSH). */
  principalOf(personId: string): Promise<Principal>;
}

export interface PeopleService {
  get(ref: string): Promise<PersonRecord>;
  create(person: {
    login: string;
    name?: string;
    email?: string | null;
    admin?: boolean;
  }): Promise<PersonRecord>;
  memberships(
    personId: string,
  ): Promise<{ courseId: string; courseSlug: string; title: string; role: Role }[]>;
}

export interface CourseService {
  /** By id or slug; throws `not-found`. */
  get(ref: string): Promise<CourseRecord>;
  /** Those the principal may see. */
  list(principal: Principal, page: PageRequest): Promise<Page<CourseRecord>>;
  create(course: { slug: string; title: string; settings?: Partial<CourseSettings> }): Promise<CourseRecord>;
  update(id: string, change: { title?: string; settings?: Partial<CourseSettings> }): Promise<CourseRecord>;
  /** Removes the course; `wrong-state` while it has machines. */
  remove(id: string): Promise<void>;
}

export interface NewMember {
  login: string;
  name?: string;
  email?: string | null;
  role: Role;
  /** An SSH public key to register with the person. */
  publicKey?: string;
}
export interface MemberService {
  list(courseId: string, page: PageRequest & { role?: Role }): Promise<Page<MembershipRecord>>;
  get(courseId: string, personRef: string): Promise<MembershipRecord>;
  /** Adds a person, making the account when the login is new; changes nothing of an account that exists. */
  add(courseId: string, member: NewMember): Promise<MembershipRecord>;
  setRole(courseId: string, personRef: string, role: Role): Promise<MembershipRecord>;
  remove(courseId: string, personRef: string): Promise<void>;
  /** `login,name,email,role,public_key` with a header line; all or nothing, errors name their line. */
  importCsv(courseId: string, csv: string): Promise<{ added: number; updated: number; unchanged: number }>;
}

export interface KeypairService {
  list(personId: string, page: PageRequest): Promise<Page<KeypairRecord>>;
  get(personId: string, idOrName: string): Promise<KeypairRecord>;
  add(personId: string, key: { name: string; publicKey: string }): Promise<KeypairRecord>;
  remove(personId: string, idOrName: string): Promise<void>;
  /** The person who registered this key (its wire form), null when nobody did. */
  ownerOf(keyBlob: Uint8Array): Promise<PersonRecord | null>;
}

export interface TokenService {
  list(principal: Principal, page: PageRequest): Promise<Page<TokenRecord>>;
  /** Throws `forbidden` where a principal asks for more than it has. */
  create(
    principal: Principal,
    token: { name: string; course?: string; role?: Role; expiresInSec?: number },
  ): Promise<TokenRecord & { token: string }>;
  /** One's own, or one of a course that one manages. */
  revoke(principal: Principal, id: string): Promise<void>;
}

export interface VmFilter extends PageRequest {
  /** Id or slug. */
  course?: string;
  /** Id or login. */
  owner?: string;
  name?: string;
  address?: string;
}
export interface NewVm {
  /** Id or slug. */
  course: string;
  name: string;
  /** Id or login; default the caller. */
  owner?: string;
  image?: string;
  kernel?: string;
  deterministic?: boolean;
  quotas?: Partial<VmQuotas>;
}
export interface VmService {
  /** Those the principal may see. */
  list(principal: Principal, filter: VmFilter): Promise<Page<VmView>>;
  view(vm: VmRecord): Promise<VmView>;
  get(id: string): Promise<VmRecord>;
  byAddress(address: string): Promise<VmRecord | null>;
  /** Every machine of that name, of one course when given (id or slug). */
  byName(name: string, course?: string): Promise<VmRecord[]>;
  all(): Promise<VmRecord[]>;
  /** Called after a machine was added, changed or removed. */
  onChange(listener: (change: { kind: 'added' | 'changed' | 'removed'; vm: VmRecord }) => void): () => void;
  /** Record, then machine: BUILD until it boots, ERROR with `fault` when it does not. Checks the access itself (course, owner). */
  create(principal: Principal, spec: NewVm): Promise<VmView>;
  /** The fork belongs to who made it. */
  fork(principal: Principal, vm: VmRecord, spec: { name: string; deterministic?: boolean }): Promise<VmView>;
  update(
    principal: Principal,
    vm: VmRecord,
    change: { name?: string; kernel?: string; quotas?: Partial<VmQuotas> },
  ): Promise<VmView>;
  rebuild(vm: VmRecord, change: { kernel?: string }): Promise<VmView>;
  remove(vm: VmRecord): Promise<void>;
  snapshots(vm: VmRecord, page: PageRequest): Promise<Page<SnapshotRecord>>;
  snapshot(vm: VmRecord, name: string): Promise<SnapshotRecord>;
  /** By id or name. */
  getSnapshot(vm: VmRecord, ref: string): Promise<SnapshotRecord>;
  restore(vm: VmRecord, ref: string): Promise<VmView>;
  removeSnapshot(vm: VmRecord, ref: string): Promise<void>;
}

export interface AuditService {
  record(entry: {
    principal?: Principal | null;
    action: string;
    courseId?: string | null;
    vmId?: string | null;
    remoteAddress?: string | null;
    detail?: Record<string, unknown>;
  }): Promise<void>;
  list(
    filter: PageRequest & { courseId?: string; vmId?: string; personId?: string },
  ): Promise<Page<AuditRecord>>;
}

export interface TerminalSessionService {
  /** Somebody sat down at a terminal of a machine; answers the session's id, for `closed`. */
  opened(session: {
    terminal: string;
    vmId: string;
    personId: string | null;
    user: string;
    via: 'websocket' | 'ssh';
    remoteAddress?: string | null;
  }): Promise<string>;
  closed(id: string): Promise<void>;
  list(vmId: string, page: PageRequest): Promise<Page<TerminalSessionRecord>>;
}

/** Answers of calls with an Idempotency-Key, kept for a day. */
export interface IdempotencyService {
  /** `new`: carry it out, then `finish` (or `abandon`). Throws `idempotency-mismatch`, `idempotency-busy`. */
  begin(
    personId: string,
    key: string,
    requestHash: string,
  ): Promise<{ state: 'new' } | { state: 'done'; status: number; body: string }>;
  finish(personId: string, key: string, status: number, body: string): Promise<void>;
  abandon(personId: string, key: string): Promise<void>;
}

/** The lab: what routes, SSH and graders call. */
export interface Lab {
  readonly auth: AuthService;
  readonly people: PeopleService;
  readonly courses: CourseService;
  readonly members: MemberService;
  readonly keypairs: KeypairService;
  readonly tokens: TokenService;
  readonly vms: VmService;
  readonly images: { list(page: PageRequest): Promise<Page<ImageRecord>> };
  readonly audit: AuditService;
  readonly terminalSessions: TerminalSessionService;
  readonly idempotency: IdempotencyService;

  /** May they? Throws `forbidden` or `not-found`, as the access table says; answers the record. */
  authorizeVm(principal: Principal, action: Action, vmId: string): Promise<VmRecord>;
  authorizeCourse(principal: Principal, action: Action, courseRef: string): Promise<CourseRecord>;
  /** For actions that are about no course and no machine (`course.create`, `course.list`…). */
  authorize(principal: Principal, action: Action): Promise<void>;
  /** The same without throwing, for who shows things by what is allowed (terminal writers, SSH). */
  may(principal: Principal, action: Action, vm: VmRecord): Promise<boolean>;
  /** What the principal is to a course, to a machine's owner. */
  relations(principal: Principal, target: { courseId?: string; ownerId?: string }): Promise<Relation[]>;

  /** Answers when the database does; for /readyz. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
