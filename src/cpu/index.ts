/** The door of the cpu room. See machine.ts for the contract. */

import { Core, hartModule } from './face/core.ts';
import { Guest } from './face/guest.ts';
import { CoreHart } from './face/hart.ts';
import { SharedFrames } from './face/shared.ts';
import * as L from './hart/layout.ts';
import type { Hart, HostFrame, Machine, MachineOptions, SavedGuestMemory } from './machine.ts';

export { cacheFolder, compileHart } from './generate/compile.ts';
export * from './machine.ts';

/** Makes a worker's machine. Compiles the hart first when the cache has no compiled one (some ten seconds). */
export async function createMachine(options: MachineOptions = {}): Promise<Machine> {
  return new CoreMachine(new Core(await hartModule(), options.maxFrames ?? 2 ** 20));
}

class CoreMachine implements Machine {
  readonly hart: Hart;
  private readonly core: Core;
  private readonly shared: SharedFrames;

  constructor(core: Core) {
    this.core = core;
    this.hart = new CoreHart(core);
    this.shared = new SharedFrames(core);
  }

  bytes(): Uint8Array {
    return this.core.bytes;
  }

  createGuest(maxPages: number): Guest {
    if (!this.core.ensureFrames(1)) throw new RangeError('the worker is out of frames');
    return new Guest(this.core, this.shared, maxPages, this.core.exports.frameAlloc() >>> 0);
  }

  restoreGuest(saved: SavedGuestMemory, imageFrame: (key: string) => HostFrame): Guest {
    const guest = this.createGuest(saved.maxPages);
    try {
      guest.load(saved, imageFrame);
    } catch (error) {
      guest.destroy();
      throw error;
    }
    return guest;
  }

  sharedFrame(key: string, fill: (page: Uint8Array) => void): HostFrame {
    return this.shared.find(key, fill);
  }

  dropShared(): number {
    return this.shared.drop();
  }

  stats() {
    const { core } = this;
    const framesMax = core.maxFrames;
    const next = core.words[L.NEXT_FRAME >> 2] - (L.FRAMES_BASE >> 12);
    const framesUsed = next - core.words[L.FREE_COUNT >> 2];
    return {
      framesUsed,
      framesFree: framesMax - framesUsed,
      framesMax,
      sharedFrames: this.shared.count,
      decodedPages: core.words[L.POOL_USED >> 2],
    };
  }
}
