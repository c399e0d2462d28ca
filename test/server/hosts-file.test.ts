/** /etc/hosts as entries: what is read, what stays when entries change, and which names are refused. */
import { describe, expect, it } from 'vitest';
import {
  entryFaults,
  hostnameFault,
  hostsEntries,
  nameFault,
  withEntries,
  withHostname,
} from '../../src/server/hosts-file.ts';

const FILE = `# made by hand
127.0.0.1\tlocalhost
127.0.1.1\tanil-vm.lab anil-vm # me

# the group's machines
10.0.0.7 wagner   kundry
nonsense line
::1 ip6-localhost
# the end
`;

describe('/etc/hosts', () => {
  it('reads entries with names and comments, and nothing else', () => {
    expect(hostsEntries(FILE)).toEqual([
      { address: '127.0.0.1', names: ['localhost'] },
      { address: '127.0.1.1', names: ['anil-vm.lab', 'anil-vm'], comment: 'me' },
      { address: '10.0.0.7', names: ['wagner', 'kundry'] },
      { address: '::1', names: ['ip6-localhost'] },
    ]);
  });

  it('comes back byte for byte when nothing changes', () => {
    expect(withEntries(FILE, hostsEntries(FILE))).toBe(FILE);
  });

  it('keeps every comment line when entries go, come and change places', () => {
    const after = withEntries(FILE, [
      { address: '::1', names: ['ip6-localhost'] },
      { address: '127.0.0.1', names: ['localhost', 'me'] },
      { address: '10.0.0.9', names: ['parsifal'], comment: 'new here' },
    ]);
    expect(hostsEntries(after)).toEqual([
      { address: '::1', names: ['ip6-localhost'] },
      { address: '127.0.0.1', names: ['localhost', 'me'] },
      { address: '10.0.0.9', names: ['parsifal'], comment: 'new here' },
    ]);
    for (const comment of ['# made by hand', "# the group's machines", '# the end', 'nonsense line'])
      expect(after.split('\n').filter((line) => line === comment)).toHaveLength(1);
  });

  it('keeps a comment that is not named, drops one that is empty', () => {
    const own = { address: '127.0.1.1', names: ['other'] };
    expect(withEntries(FILE, [own])).toContain('127.0.1.1\tother\t# me\n');
    expect(withEntries(FILE, [{ ...own, comment: '' }])).toContain('127.0.1.1\tother\n');
  });

  it('all entries may go, and come to an empty file', () => {
    expect(hostsEntries(withEntries(FILE, []))).toEqual([]);
    expect(withEntries('', [{ address: '10.1.1.1', names: ['a'] }])).toBe('10.1.1.1\ta\n');
    expect(withEntries('', [])).toBe('');
  });

  it("renames the machine's own line as Debian has it", () => {
    expect(withHostname(FILE, 'anil-vm', 'gurnemanz')).toContain(
      '127.0.1.1\tgurnemanz.lab gurnemanz\t# me\n',
    );
    expect(withHostname('127.0.0.1\tlocalhost\n::1 x\n', 'a', 'b')).toBe(
      '127.0.0.1\tlocalhost\n127.0.1.1\tb\n::1 x\n',
    );
    expect(withHostname('127.0.1.1 lonely\n', 'a', 'b')).toBe('127.0.1.1\tb lonely\n');
  });
});

describe('names, RFC 1123', () => {
  const label63 = 'a'.repeat(63);
  it.each(['a', '3com', 'anil-vm', 'a.b.c', 'X1', label63, 'node-01.lab.example'])('takes %s', (name) => {
    expect(hostnameFault(name)).toBeNull();
  });
  it.each([
    '',
    '-a',
    'a-',
    'a..b',
    '.a',
    'a.',
    'a_b',
    'ä',
    'a b',
    'a\n',
    `${label63}a`,
    `${label63}.aa`,
    '1.2.3.4',
    '::1',
    'a.123',
    '12345',
    'a/b',
    'a;reboot',
    '$(reboot)',
  ])('refuses %j', (name) => {
    expect(hostnameFault(name)).not.toBeNull();
  });
  it('a name of the hosts file may be longer than a host name', () => {
    expect(nameFault(`${label63}.${label63}.${label63}.aa`)).toBeNull();
    expect(nameFault(`${label63}.${label63}.${label63}.${label63}`)).not.toBeNull();
  });
  it('says which field of an entry is wrong', () => {
    expect(entryFaults({ address: '1.2.3', names: ['ok', 'not_ok'] }, new Set())).toEqual([
      { field: 'address', message: expect.any(String) },
      { field: 'names/1', message: expect.any(String) },
    ]);
    expect(entryFaults({ address: '1.2.3.4', names: ['was_there'] }, new Set(['was_there']))).toEqual([]);
  });
});
