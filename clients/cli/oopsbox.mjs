#!/usr/bin/env node
/** The `oopsbox` command: loads the TypeScript sources as they are (tsx), so that there is no build to forget. */
import { register } from 'tsx/esm/api';

register();
await import('./main.ts');
