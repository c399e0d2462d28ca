/** Host frames shared by content key: pages of the base image. Always true: this cache holds one reference to each. */
import type { HostFrame } from '../machine.ts';
import type { Core } from './core.ts';

export class SharedFrames {
  private readonly frames = new Map<string, HostFrame>();
  private readonly keys = new Map<HostFrame, string>();
  private readonly core: Core;

  constructor(core: Core) {
    this.core = core;
  }

  get count(): number {
    return this.frames.size;
  }

  keyOf(frame: HostFrame): string | undefined {
    return this.keys.get(frame);
  }

  /** See Machine.sharedFrame. */
  find(key: string, fill: (page: Uint8Array) => void): HostFrame {
    const known = this.frames.get(key);
    if (known !== undefined) return known;
    if (!this.core.ensureFrames(2)) return -1;
    const address = this.core.exports.frameAlloc() >>> 0;
    fill(this.core.bytes.subarray(address, address + 4096));
    const frame = address >>> 12;
    this.frames.set(key, frame);
    this.keys.set(frame, key);
    return frame;
  }

  /** See Machine.dropShared. */
  drop(): number {
    let dropped = 0;
    for (const [key, frame] of this.frames) {
      if (this.core.exports.frameRefs(frame << 12) !== 1) continue;
      this.core.exports.frameRelease(frame << 12);
      this.frames.delete(key);
      this.keys.delete(frame);
      dropped++;
    }
    return dropped;
  }
}
