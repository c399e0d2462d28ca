/**
 * Files of a machine: a path's bytes, a directory's list, a tree as tar. Always true: what was acknowledged is durable; owner and
 * mode are the file's own unless the call names others, and a new file belongs to whom its directory belongs.
 */
import { Readable, Transform } from 'node:stream';
import { Type } from 'typebox';
import { type FileInfo, type Host, HostError } from '../../host/types.ts';
import type { App } from '../context.ts';
import { guestPath } from '../guest-path.ts';
import { type FieldError, Problem } from '../problem.ts';
import { answers, NOTHING, oneOf } from '../schema.ts';

const tags = ['files'];
const KINDS = ['file', 'directory', 'symlink', 'chrdev', 'blkdev', 'fifo', 'socket'] as const;
const TAR = 'application/x-tar';

const File = Type.Object({
  path: Type.String(),
  name: Type.String(),
  kind: oneOf(KINDS),
  mode: Type.String({ description: 'permission bits, octal', examples: ['0644'] }),
  uid: Type.Integer(),
  gid: Type.Integer(),
  size: Type.Integer(),
  modifiedAt: Type.String(),
  target: Type.Optional(Type.String({ description: 'of a symlink' })),
});
const Directory = Type.Object({ ...File.properties, entries: Type.Optional(Type.Array(File)) });
const Written = Type.Object({
  ...File.properties,
  files: Type.Optional(Type.Integer({ description: 'of an unpacked tree' })),
  bytes: Type.Optional(Type.Integer()),
});

const Params = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 64 }),
  '*': Type.String({ description: 'path inside the VM' }),
});
const Mode = Type.Optional(Type.String({ pattern: '^0?[0-7]{1,4}$', description: 'octal' }));
const Owner = Type.Optional(
  Type.String({ pattern: '^(\\d{1,10}|[a-z_][a-z0-9_-]{0,31})$', description: 'user name or uid' }),
);
const Group = Type.Optional(
  Type.Integer({ minimum: 0, maximum: 0xfffffffe, description: "gid; default: the owner's" }),
);

const octal = (mode: number): string => `0${(mode & 0o7777).toString(8).padStart(3, '0')}`;
const join = (folder: string, name: string): string => (folder === '/' ? `/${name}` : `${folder}/${name}`);

const showFile = (path: string, { name, kind, mode, uid, gid, size, mtimeSec, target }: FileInfo) => ({
  path,
  name,
  kind,
  mode: octal(mode),
  uid,
  gid,
  size,
  modifiedAt: new Date(mtimeSec * 1000).toISOString(),
  ...(target === undefined ? {} : { target }),
});

async function statOrNull(host: Host, id: string, path: string): Promise<FileInfo | null> {
  try {
    return await host.stat(id, path);
  } catch (error) {
    if (error instanceof HostError && error.errno === 'ENOENT') return null;
    throw error;
  }
}

const wrong = (field: string, message: string): Problem =>
  new Problem('invalid-request', undefined, {
    errors: [{ in: 'query', field, message } satisfies FieldError],
  });

interface Wish {
  mode?: string;
  owner?: string;
  group?: number;
}

/** Whom a name or number of the query means. */
async function ownerOf(
  host: Host,
  id: string,
  { owner, group }: Wish,
): Promise<{ uid?: number; gid?: number }> {
  if (owner === undefined) return group === undefined ? {} : { gid: group };
  if (/^\d+$/.test(owner)) {
    const uid = Number(owner);
    if (uid > 0xfffffffe) throw wrong('owner', 'is no uid');
    return { uid, gid: group ?? uid };
  }
  const user = await host.findUser(id, owner);
  if (user === null) throw wrong('owner', `the VM has no user ${owner}`);
  return { uid: user.uid, gid: group ?? user.gid };
}

/** Mode and owner that a written file or directory shall have. */
async function attributesOf(host: Host, id: string, path: string, wish: Wish, defaultMode: number) {
  const there = await statOrNull(host, id, path);
  const wanted = await ownerOf(host, id, wish);
  const base = there ?? (await host.stat(id, path.slice(0, path.lastIndexOf('/')) || '/'));
  if (there === null && base.kind !== 'directory')
    throw new Problem('file-conflict', 'What is above it is not a directory.', { errno: 'ENOTDIR' });
  return {
    there,
    attributes: {
      mode: wish.mode === undefined ? (there?.mode ?? defaultMode) : Number.parseInt(wish.mode, 8),
      uid: wanted.uid ?? base.uid,
      gid: wanted.gid ?? base.gid,
    },
  };
}

/** Lets no more than so many bytes through. */
function capped(stream: Readable, mostBytes: number): Readable {
  let bytes = 0;
  const cap = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length;
      if (bytes > mostBytes) done(new Problem('too-large', `A tree has at most ${mostBytes} bytes.`));
      else done(null, chunk);
    },
  });
  stream.on('error', (error) => cap.destroy(error));
  stream.on('aborted', () => cap.destroy(new Problem('bad-request', 'The upload was cut off.')));
  return stream.pipe(cap);
}

export async function fileRoutes(app: App): Promise<void> {
  const { host, limits } = app;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(TAR, { bodyLimit: limits.treeBytes }, (_request, payload, done) =>
    done(null, payload),
  );
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: limits.fileBytes }, (_request, body, done) =>
    done(null, body),
  );

  app.get(
    '/vms/:id/files/*',
    {
      config: { access: 'vm.read' },
      schema: {
        tags,
        summary:
          "A file's bytes, a directory's list as JSON, what a path is (?format=stat), or a tree (?format=tar)",
        params: Params,
        produces: ['application/octet-stream', 'application/json', TAR],
        querystring: Type.Object({ format: Type.Optional(oneOf(['stat', 'tar'])) }),
        response: answers(200, Type.Union([Directory, Type.Any()])),
      },
      serializerCompiler: () => JSON.stringify,
    },
    async (request, reply) => {
      const { id } = request.vm!;
      const path = guestPath(request.params['*']);
      const info = await host.stat(id, path);
      if (request.query.format === 'stat') return showFile(path, info);
      if (request.query.format === 'tar') {
        const name = `${info.name.replace(/[^\w.-]/g, '_') || 'root'}.tar`;
        const tar = await host.readTree(id, path);
        request.raw.once('close', () => tar.destroy());
        return reply.type(TAR).header('content-disposition', `attachment; filename="${name}"`).send(tar);
      }
      const content = await contentOf(id, path, info);
      if ('entries' in content) return { ...showFile(path, info), ...content };
      const { bytes } = content;
      return reply
        .type('application/octet-stream')
        .headers({
          'content-disposition': 'attachment',
          'oopsbox-mode': octal(info.mode),
          'oopsbox-uid': String(info.uid),
          'oopsbox-gid': String(info.gid),
          'last-modified': new Date(info.mtimeSec * 1000).toUTCString(),
        })
        .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    },
  );

  /** What is in a file or directory, or in the one that a symlink leads to. */
  const contentOf = async (id: string, path: string, info: FileInfo) => {
    if (info.size > limits.fileBytes) throw tooLarge();
    if (info.kind !== 'directory' && info.kind !== 'file' && info.kind !== 'symlink')
      throw new Problem('file-conflict', `It is a ${info.kind}: only what is in a file can be read.`);
    if (info.kind !== 'directory') {
      try {
        const bytes = await host.readFile(id, path);
        if (bytes.length > limits.fileBytes) throw tooLarge();
        return { bytes };
      } catch (error) {
        if (!(info.kind === 'symlink' && error instanceof HostError && error.errno === 'EISDIR')) throw error;
      }
    }
    const entries = await host.listDirectory(id, path);
    return { entries: entries.map((entry) => showFile(join(path, entry.name), entry)) };
  };
  const tooLarge = () =>
    new Problem('too-large', `At most ${limits.fileBytes} bytes; take it with ?format=tar.`);

  app.put(
    '/vms/:id/files/*',
    {
      config: { access: 'vm.use' },
      schema: {
        tags,
        summary:
          'Write a file, make a directory (?kind=directory), or unpack a tree (application/x-tar, ?kind=tree)',
        description: 'Durable when it is acknowledged.',
        params: Params,
        querystring: Type.Object({
          kind: oneOf(['file', 'directory', 'tree'], { default: 'file' }),
          mode: Mode,
          owner: Owner,
          group: Group,
        }),
        response: answers(200, Written),
      },
    },
    async (request, reply) => {
      const { id } = request.vm!;
      const { kind, ...wish } = request.query;
      const path = guestPath(request.params['*']);
      if (kind === 'tree') return unpack(id, path, request.body, wish);
      if (request.body instanceof Readable)
        throw new Problem('unsupported-media-type', 'A tar is unpacked with ?kind=tree.');
      const { there, attributes } = await attributesOf(host, id, path, wish, kind === 'file' ? 0o644 : 0o755);
      if (kind === 'directory') {
        if (there !== null) throw new Problem('file-conflict', 'It exists already.', { errno: 'EEXIST' });
        await host.makeDirectory(id, path, attributes);
      } else {
        if (there?.kind === 'directory')
          throw new Problem('file-conflict', 'It is a directory.', { errno: 'EISDIR' });
        if (there !== null && there.kind !== 'file' && there.kind !== 'symlink')
          throw new Problem('file-conflict', `It is a ${there.kind}.`, { errno: 'EINVAL' });
        const body = Buffer.isBuffer(request.body) ? request.body : new Uint8Array(0);
        await host.writeFile(id, path, body, there?.kind === 'symlink' ? undefined : attributes);
      }
      return reply.code(there === null ? 201 : 200).send(showFile(path, await host.stat(id, path)));
    },
  );

  const unpack = async (id: string, path: string, body: unknown, wish: Wish) => {
    if (!(body instanceof Readable)) throw new Problem('unsupported-media-type', `Send the tree as ${TAR}.`);
    const tar = capped(body, limits.treeBytes);
    let cut: unknown;
    tar.on('error', (error) => {
      cut = error;
    });
    const { files, bytes } = await host
      .writeTree(id, path, tar, await ownerOf(host, id, wish))
      .catch((error: unknown) => {
        throw cut ?? error;
      });
    if (cut !== undefined) throw cut;
    return { ...showFile(path, await host.stat(id, path)), files, bytes };
  };

  app.delete(
    '/vms/:id/files/*',
    {
      config: { access: 'vm.use' },
      schema: {
        tags,
        summary: 'Remove a file, or with ?recursive=true a directory and all that is in it',
        params: Params,
        querystring: Type.Object({ recursive: Type.Optional(Type.Boolean()) }),
        response: NOTHING,
      },
    },
    async (request, reply) => {
      const path = guestPath(request.params['*']);
      if (path === '/') throw new Problem('bad-path', 'The root directory cannot be removed.');
      await host.removeFile(request.vm!.id, path, { recursive: request.query.recursive === true });
      return reply.code(204).send(null);
    },
  );
}
