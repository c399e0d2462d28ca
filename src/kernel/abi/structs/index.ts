/** Door to the structs shared with C: importing it fills the tables; accessors come from declare.ts. */
import './base.ts';
import './time.ts';
import './task.ts';
import './mm.ts';
import './fs.ts';
import './device.ts';
import './module.ts';

export { fieldOf, layoutOf, offsetOf, sizeOf, structNames, structText } from './declare.ts';
