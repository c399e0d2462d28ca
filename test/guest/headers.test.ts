/** Headers and makefiles of the VM's disk: made from the declarations, complete, and the same text every time. */
import { describe, expect, test } from 'vitest';
import { KERNELS } from '../../src/guest/manifest.ts';
import { kernelHeaders } from '../../src/image/headers.ts';
import { kernelTree } from '../../src/image/kernel-tree.ts';
import { fieldOf, offsetOf, sizeOf } from '../../src/kernel/abi/structs/index.ts';
import { symbolsOf, versionCode } from '../../src/kernel/kapi/declarations/index.ts';

describe.each(KERNELS.map(({ version }) => version))('headers of %s', (release) => {
  const headers = kernelHeaders(release);

  test('every include names a header that exists', () => {
    const missing: string[] = [];
    for (const [header, text] of headers) {
      for (const [, name] of text.matchAll(/^#include <([^>]+)>/gm))
        if (!headers.has(name)) missing.push(`${header}: ${name}`);
    }
    expect(missing).toEqual([]);
  });

  test('every exported symbol is declared in its header, and no line is left to fill', () => {
    for (const { name, header } of symbolsOf(versionCode(release)))
      expect(headers.get(header)).toMatch(new RegExp(`\\b${name}\\b`));
    for (const [, text] of headers) expect(text).not.toMatch(/@structs|@kapi|@line/);
  });

  test('the tree holds makefiles without marks, Module.symvers and the build link', () => {
    const files = new Map(kernelTree(release).map((file) => [file.path, file]));
    expect(files.get(`/usr/lib/modules/${release}/build`)?.target).toBe(`/usr/src/linux-headers-${release}`);
    expect(files.get(`/usr/src/linux-headers-${release}/Module.symvers`)?.text).toMatch(/\tkfree\tvmlinux\t/);
    for (const [path, { text }] of files)
      if (path.includes('Makefile')) expect(text).not.toMatch(/^#@|@(RELEASE|COMMON|INC|ORDER)@/m);
  });
});

test('layouts are those of LP64', () => {
  expect(sizeOf('list_head')).toBe(16);
  expect(sizeOf('page')).toBe(64);
  expect(offsetOf('module', 'name')).toBe(24);
  expect(fieldOf('task_struct', 'comm').size).toBe(16);
  expect(offsetOf('inode', 'i_atime.tv_nsec')).toBe(offsetOf('inode', 'i_atime') + 8);
});

test('a class is created with its owner in 4.15 and without in 6.12', () => {
  const [old, modern] = KERNELS.map(({ version }) => kernelHeaders(version).get('linux/device/class.h'));
  expect(old).toContain('__class_create(struct module *owner, const char *name');
  expect(modern?.split('\n')[227]).toBe('struct class * __must_check class_create(const char *name);');
});
