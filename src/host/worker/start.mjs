/** Where a worker thread begins: loads the TypeScript sources as they are. */
import { register } from 'tsx/esm/api';

register();
await import('./main.ts');
