/** Door to the declared exports: importing it fills the table. */
import './core.ts';
import './memory.ts';
import './devices.ts';
import './tasks.ts';
import './library.ts';

export {
  allSymbols,
  exported,
  imageSymbolsOf,
  type KernelSymbol,
  kernelVersion,
  symbolsOf,
  versionCode,
} from './declare.ts';
