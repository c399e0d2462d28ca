/**
 * Every resource of the API, a plugin each, mounted below /api/v1. Always true: a route declares its `access` (context.ts), its
 * schemas, and throws {@link Problem}, LabError or HostError for what cannot be done.
 */
import type { App } from '../context.ts';
import { authRoutes } from './auth.ts';
import { courseRoutes } from './courses.ts';
import { execRoutes } from './exec.ts';
import { fileRoutes } from './files.ts';
import { kernelRoutes } from './kernel.ts';
import { keypairRoutes } from './keypairs.ts';
import { memberRoutes } from './members.ts';
import { nameRoutes } from './names.ts';
import { recordRoutes } from './records.ts';
import { snapshotRoutes } from './snapshots.ts';
import { terminalRoutes } from './terminals.ts';
import { tokenRoutes } from './tokens.ts';
import { vmRoutes } from './vms.ts';

export const routes: ((app: App) => Promise<void>)[] = [
  authRoutes,
  courseRoutes,
  memberRoutes,
  keypairRoutes,
  tokenRoutes,
  recordRoutes,
  vmRoutes,
  snapshotRoutes,
  nameRoutes,
  fileRoutes,
  execRoutes,
  kernelRoutes,
  terminalRoutes,
];
