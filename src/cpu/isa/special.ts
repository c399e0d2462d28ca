/**
 * Special cases the decoder recognises: an instruction whose operands allow a shorter meaning. They change speed only;
 * leaving the whole list out changes no result. The first rule that fits wins.
 */
export interface Special {
  readonly name: string;
  /** The declared instruction it is a case of. */
  readonly of: string;
  /** Operands and the value they must have. */
  readonly when: Readonly<Record<string, number>>;
  readonly meaning: string;
}

export const SPECIAL: readonly Special[] = [
  { name: 'li', of: 'addi', when: { rs1: 0 }, meaning: 'rd = imm' },
  { name: 'mv', of: 'addi', when: { imm: 0 }, meaning: 'rd = rs1' },
  { name: 'mv2', of: 'add', when: { rs1: 0 }, meaning: 'rd = rs2' },
  { name: 'sext.w', of: 'addiw', when: { imm: 0 }, meaning: 'rd = sx32(rs1)' },
  { name: 'not', of: 'xori', when: { imm: -1 }, meaning: 'rd = ~rs1' },
  { name: 'zext.b', of: 'andi', when: { imm: 255 }, meaning: 'rd = rs1 & 255' },
  { name: 'seqz', of: 'sltiu', when: { imm: 1 }, meaning: 'rd = truth(rs1 == 0)' },
  { name: 'snez', of: 'sltu', when: { rs1: 0 }, meaning: 'rd = truth(rs2 != 0)' },
  { name: 'neg', of: 'sub', when: { rs1: 0 }, meaning: 'rd = 0 - rs2' },
  { name: 'beqz', of: 'beq', when: { rs2: 0 }, meaning: 'if (rs1 == 0) goto pc + imm' },
  { name: 'bnez', of: 'bne', when: { rs2: 0 }, meaning: 'if (rs1 != 0) goto pc + imm' },
  { name: 'bltz', of: 'blt', when: { rs2: 0 }, meaning: 'if (rs1 < 0) goto pc + imm' },
  { name: 'bgez', of: 'bge', when: { rs2: 0 }, meaning: 'if (rs1 >= 0) goto pc + imm' },
  { name: 'blez', of: 'bge', when: { rs1: 0 }, meaning: 'if (0 >= rs2) goto pc + imm' },
  { name: 'bgtz', of: 'blt', when: { rs1: 0 }, meaning: 'if (0 < rs2) goto pc + imm' },
  { name: 'j', of: 'jal', when: { rd: 0 }, meaning: 'goto pc + imm' },
  { name: 'ret', of: 'jalr', when: { rd: 0, imm: 0 }, meaning: 'goto rs1 & ~1' },
];
