/**
 * What the API answers when it cannot do what was asked (RFC 9457). Always true: every kind of problem is declared here once,
 * with its status and title; its `type` is `/problems/<kind>` and never changes its meaning; `detail` is a sentence for the
 * person who called and says nothing of what the caller may not see.
 */
import { type Static, Type } from 'typebox';

/** Kinds of problems: status, title and what to do about it. */
export const PROBLEMS = {
  'invalid-request': [
    400,
    'The request does not fit the schema',
    'Correct the fields listed under `errors`.',
  ],
  'malformed-json': [400, 'The body is not JSON', 'Send a body that a JSON parser accepts, in UTF-8.'],
  'bad-request': [400, 'The request cannot be understood', 'See `detail`.'],
  'bad-path': [400, 'Not a usable path', 'Give an absolute path without `..`, NUL or over-long names.'],
  'bad-cursor': [400, 'Not a cursor of this list', 'Use the `nextCursor` of the page before, unchanged.'],
  'bad-key': [400, 'Not a usable SSH public key', 'Send one line in OpenSSH format: ed25519, ecdsa or rsa.'],
  'bad-csv': [
    400,
    'The CSV cannot be imported',
    'Correct the lines listed under `errors`; nothing was imported.',
  ],
  unauthenticated: [
    401,
    'Who are you?',
    'Send `Authorization: Bearer <token>`; see `POST /api/v1/auth/challenge`.',
  ],
  'bad-signature': [
    401,
    'The signature does not prove the key',
    'Sign a fresh challenge with `ssh-keygen -Y sign -n oopsbox`.',
  ],
  'bad-challenge': [401, 'No such challenge', 'Challenges are used once and expire; ask for another.'],
  'bad-ticket': [401, 'No such ticket', 'Tickets are used once and expire within seconds; ask for another.'],
  forbidden: [403, 'Not allowed', 'Ask an instructor of the course.'],
  quota: [403, 'The quota is used up', 'Delete something, or ask an instructor for more.'],
  'not-found': [404, 'No such resource', 'See `/api/v1/docs` for what there is.'],
  'no-such-vm': [404, 'No such VM', 'See `GET /api/v1/vms`.'],
  'no-such-course': [404, 'No such course', 'See `GET /api/v1/courses`.'],
  'no-such-person': [404, 'No such person', 'See the members of the course.'],
  'no-such-member': [404, 'No such member', 'See the members of the course.'],
  'no-such-keypair': [404, 'No such key', 'See `GET /api/v1/keypairs`.'],
  'no-such-token': [404, 'No such token', 'See `GET /api/v1/tokens`.'],
  'no-such-image': [404, 'No such image', 'Leave `image` out for the default one.'],
  'no-such-snapshot': [404, 'No such snapshot', "See the VM's snapshots."],
  'no-such-terminal': [404, 'No such terminal', "See the VM's terminals."],
  'no-such-file': [404, 'No such file or directory', "List the VM's directory above it."],
  'no-such-module': [404, 'No such module', 'See the list of loaded modules.'],
  'no-such-process': [404, 'No such process', 'See the list of processes.'],
  'no-such-problem': [404, 'No such kind of problem', 'See the documentation.'],
  'method-not-allowed': [405, 'The resource does not take this method', 'See `allow`.'],
  'wrong-state': [409, 'Not in this state', 'See `detail` for what to do first.'],
  exists: [409, 'It exists already', 'Choose another name.'],
  'file-conflict': [409, 'The file is something else', 'See `errno`.'],
  'request-in-progress': [
    409,
    'A request with this key is being carried out',
    'Wait, then repeat it with the same key.',
  ],
  'guest-error': [409, 'The VM refused', 'See `errno`.'],
  'too-large': [413, 'Too large', 'See `detail` for the limit.'],
  'unsupported-media-type': [415, 'Content type not understood', 'See the operation in `/api/v1/docs`.'],
  'not-acceptable-value': [422, 'The value cannot be used', 'See `detail`.'],
  'no-such-user': [422, 'No such user in the VM', "See the VM's /etc/passwd."],
  'idempotency-key-reused': [
    422,
    'The key belongs to another request',
    'Use a fresh Idempotency-Key for each new request.',
  ],
  'upgrade-required': [426, 'This is a WebSocket', 'Connect with a WebSocket client.'],
  'rate-limited': [429, 'Too many requests', 'Wait as long as `Retry-After` says.'],
  internal: [500, 'The server made a mistake', 'Tell the administrator the `requestId`.'],
  'machine-lost': [
    503,
    "The VM's worker died",
    'Repeat the request: the VM comes back from what was durable.',
  ],
  'shutting-down': [503, 'The server is shutting down', 'Repeat the request in a minute.'],
  'disk-full': [507, "The VM's disk is full", 'Delete files in the VM.'],
} as const satisfies Record<string, readonly [status: number, title: string, remedy: string]>;
export type ProblemKind = keyof typeof PROBLEMS;

/** One thing that is wrong with a request: where, and what. */
export const FieldError = Type.Object({
  in: Type.String({ description: 'body, query, path, headers, or line of a file' }),
  field: Type.String({ description: 'name, or JSON pointer below it; empty: the whole' }),
  message: Type.String(),
});
export type FieldError = Static<typeof FieldError>;

/** A problem document, RFC 9457. */
export const ProblemDocument = Type.Object(
  {
    type: Type.String({ description: 'stable; /problems/<kind>', examples: ['/problems/no-such-vm'] }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.Optional(Type.String()),
    instance: Type.Optional(Type.String({ description: 'path that was asked for' })),
    requestId: Type.Optional(Type.String({ description: 'finds the request in the log' })),
    errors: Type.Optional(Type.Array(FieldError)),
    errno: Type.Optional(
      Type.String({ description: 'what Linux said inside the VM', examples: ['ENOTDIR'] }),
    ),
    state: Type.Optional(Type.String({ description: 'state that the VM is in' })),
  },
  { $id: 'Problem', title: 'Problem' },
);
export type ProblemDocument = Static<typeof ProblemDocument>;

type Extras = Pick<ProblemDocument, 'errors' | 'errno' | 'state'>;

/** Thrown by a route or hook; the error handler makes the document of it. */
export class Problem extends Error {
  override name = 'Problem';
  readonly kind: ProblemKind;
  readonly status: number;
  readonly extras: Extras;
  /** Response headers that go with it. */
  readonly headers: Record<string, string>;
  constructor(kind: ProblemKind, detail?: string, extras: Extras = {}, headers: Record<string, string> = {}) {
    super(detail ?? PROBLEMS[kind][1]);
    this.kind = kind;
    this.status = PROBLEMS[kind][0];
    this.extras = extras;
    this.headers = headers;
  }

  /** The document that the caller sees. */
  document(instance?: string, requestId?: string): ProblemDocument {
    const [status, title] = PROBLEMS[this.kind];
    return {
      type: `/problems/${this.kind}`,
      title,
      status,
      ...(this.message !== title ? { detail: this.message } : {}),
      ...(instance === undefined ? {} : { instance }),
      ...(requestId === undefined ? {} : { requestId }),
      ...this.extras,
    };
  }
}
