/** Checkpoint torture with the compiler at work: minutes of it, so not in the fast suite. */
import { expect, test } from 'vitest';
import { story } from './torture.ts';

test('gcc, as and ld make the same program although the machine is swapped under them', async () => {
  const source = 'int main(void){double s=0;for(int i=1;i<50;i++)s+=1.0/i;printf("%.12f\\n",s);return 3;}';
  const work = {
    process: {
      argv: [
        '/bin/bash',
        '-c',
        `cd /tmp; echo '#include <stdio.h>' > a.c; echo '${source}' >> a.c; gcc -O2 -o a a.c; ./a; echo $?; md5sum a`,
      ],
    },
  };
  const calm = await story(work, 0);
  expect(calm.output).toContain('4.479205338329\n3\n');
  const tortured = await story(work, 3_000_000);
  expect(tortured.output).toBe(calm.output);
  expect(tortured.checkpoints).toBeGreaterThan(50);
}, 600_000);
