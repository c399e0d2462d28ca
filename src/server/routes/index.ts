/**
 * Every resource of the API, a plugin each, mounted below /api/v1. Always true: a route declares its `access` (context.ts), its
 * schemas, and throws {@link Problem}, LabError or HostError for what cannot be done.
 */
import type { App } from '../context.ts';

export const routes: ((app: App) => Promise<void>)[] = [];
