/**
 * Socket filters: classic BPF programs (SO_ATTACH_FILTER; man 7 socket, net/core/filter.c). Always true: a program that was accepted
 * jumps only forward, inside itself, and ends with a return, so a run takes at most as many steps as it has instructions.
 */
import { Errno } from '../abi/errno.ts';

/** struct sock_filter. */
export interface Instruction {
  code: number;
  jt: number;
  jf: number;
  k: number;
}

const MAX_INSTRUCTIONS = 4096;
const MEMORY_WORDS = 16;

const Class = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, RET: 6, MISC: 7 } as const;
const Mode = { IMM: 0x00, ABS: 0x20, IND: 0x40, MEM: 0x60, LEN: 0x80, MSH: 0xa0 } as const;
const classOf = (code: number): number => code & 7;

/** Reads and checks a program: -EINVAL. */
export function parseFilter(raw: Uint8Array): Instruction[] | number {
  const count = raw.length / 8;
  if (count < 1 || count > MAX_INSTRUCTIONS) return -Errno.EINVAL;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const program: Instruction[] = [];
  for (let i = 0; i < count; i++) {
    const at = i * 8;
    const one = {
      code: view.getUint16(at, true),
      jt: raw[at + 2],
      jf: raw[at + 3],
      k: view.getUint32(at + 4, true),
    };
    if (!isValid(one, count - i - 1)) return -Errno.EINVAL;
    program.push(one);
  }
  return classOf(program[count - 1].code) === Class.RET ? program : -Errno.EINVAL;
}

/** Whether an instruction is known and stays within the program; `left`: how many follow it. */
function isValid({ code, jt, jf, k }: Instruction, left: number): boolean {
  const mode = code & 0xe0;
  const size = code & 0x18;
  switch (classOf(code)) {
    case Class.LD:
      if (mode === Mode.ABS || mode === Mode.IND) return size !== 0x18;
      if (mode === Mode.MEM) return size === 0 && k < MEMORY_WORDS;
      return size === 0 && (mode === Mode.IMM || mode === Mode.LEN);
    case Class.LDX:
      if (mode === Mode.MSH) return size === 0x10;
      if (mode === Mode.MEM) return size === 0 && k < MEMORY_WORDS;
      return size === 0 && (mode === Mode.IMM || mode === Mode.LEN);
    case Class.ST:
    case Class.STX:
      return k < MEMORY_WORDS;
    case Class.ALU: {
      const operation = code & 0xf0;
      if ((code & 8) === 0 && (operation === 0x30 || operation === 0x90) && k === 0) return false;
      return operation <= 0xa0;
    }
    case Class.JMP: {
      const operation = code & 0xf0;
      return operation === 0 ? k < left : operation <= 0x40 && jt < left && jf < left;
    }
    case Class.RET:
      return (code & 0x18) <= 0x10;
    default:
      return code === 0x07 || code === 0x87;
  }
}

function calculate(operation: number, a: number, b: number): number | null {
  switch (operation) {
    case 0x00:
      return (a + b) >>> 0;
    case 0x10:
      return (a - b) >>> 0;
    case 0x20:
      return Math.imul(a, b) >>> 0;
    case 0x30:
      return b === 0 ? null : Math.floor(a / b);
    case 0x40:
      return (a | b) >>> 0;
    case 0x50:
      return (a & b) >>> 0;
    case 0x60:
      return b > 31 ? 0 : (a << b) >>> 0;
    case 0x70:
      return b > 31 ? 0 : a >>> b;
    case 0x80:
      return -a >>> 0;
    case 0x90:
      return b === 0 ? null : a % b;
    default:
      return (a ^ b) >>> 0;
  }
}

function holds(operation: number, a: number, b: number): boolean {
  if (operation === 0x10) return a === b;
  if (operation === 0x20) return a > b;
  if (operation === 0x30) return a >= b;
  return (a & b) !== 0;
}

/** A word, half word or byte of the packet in network order; null: outside. */
function load(packet: Uint8Array, size: number, at: number): number | null {
  const bytes = size === 0 ? 4 : size === 8 ? 2 : 1;
  if (at + bytes > packet.length) return null;
  let value = 0;
  for (let i = 0; i < bytes; i++) value = value * 256 + packet[at + i];
  return value;
}

/** Runs a program over a packet: how many bytes of it are kept, 0 to drop it. */
export function runFilter(program: readonly Instruction[], packet: Uint8Array): number {
  const memory = new Array<number>(MEMORY_WORDS).fill(0);
  let a = 0;
  let x = 0;
  for (let pc = 0; pc < program.length; pc++) {
    const { code, jt, jf, k } = program[pc];
    const operand = (code & 8) !== 0 ? x : k;
    switch (classOf(code)) {
      case Class.LD: {
        const value = loadValue(packet, code, k, x, memory);
        if (value === null) return 0;
        a = value;
        break;
      }
      case Class.LDX: {
        const value = loadValue(packet, code, k, x, memory);
        if (value === null) return 0;
        x = value;
        break;
      }
      case Class.ST:
        memory[k] = a;
        break;
      case Class.STX:
        memory[k] = x;
        break;
      case Class.ALU: {
        const value = calculate(code & 0xf0, a, operand);
        if (value === null) return 0;
        a = value;
        break;
      }
      case Class.JMP:
        if ((code & 0xf0) === 0) pc += k;
        else pc += holds(code & 0xf0, a, operand) ? jt : jf;
        break;
      case Class.RET:
        return (code & 0x18) === 0x10 ? a : (code & 0x18) === 8 ? x : k;
      default:
        if (code === 0x07) x = a;
        else a = x;
    }
  }
  return 0;
}

function loadValue(packet: Uint8Array, code: number, k: number, x: number, memory: number[]): number | null {
  switch (code & 0xe0) {
    case Mode.ABS:
      return load(packet, code & 0x18, k);
    case Mode.IND:
      return load(packet, code & 0x18, k + x);
    case Mode.MEM:
      return memory[k];
    case Mode.LEN:
      return packet.length;
    case Mode.MSH:
      return k < packet.length ? (packet[k] & 0xf) * 4 : null;
    default:
      return k;
  }
}
