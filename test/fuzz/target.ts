import type { Random } from '../support/random.ts';

/** One part of the product that reads what others wrote, and what must hold for everything that it is given. */
export interface FuzzTarget {
  readonly name: string;
  /** `conformance` is the folder of the conformance tables; undefined where they are not. */
  readonly prepare: (conformance: string | undefined) => Promise<PreparedTarget>;
}

export interface PreparedTarget {
  /** What mutations start from. Never empty. */
  readonly corpus: readonly Uint8Array[];
  /** Longest input that the limit on time holds for, in bytes. Default: a megabyte. */
  readonly maxInputBytes?: number;
  /** How inputs of this kind are changed so that something is left to be read. Default: bytes. */
  readonly mutate?: (input: Uint8Array, random: Random) => Uint8Array;
  /**
   * Gives the input to the product. Undefined when all is well, else what is wrong; whatever is thrown is wrong too, so
   * that the error classes of the area are caught here and nowhere else.
   */
  readonly check: (input: Uint8Array) => string | undefined | Promise<string | undefined>;
}
