/** Exit codes of `nodeseal`, the same for every command (PRODUCT.md, "Exit codes"). */
export const EXIT = {
  clean: 0,
  /** Findings at or above `--fail-on`, differences, or a refused image; 1 never means anything else. */
  findings: 1,
  usage: 2,
  coverage: 3,
  unreachable: 4,
  notFound: 5,
  partial: 6,
  inputInvalid: 7,
  internal: 8,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What they mean, in words. */
export const EXIT_MEANINGS: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [EXIT.clean, 'clean'],
  [EXIT.findings, 'findings, differences or a refused image'],
  [EXIT.usage, 'usage'],
  [EXIT.coverage, 'coverage below what was required'],
  [EXIT.unreachable, 'cannot reach, or not allowed'],
  [EXIT.notFound, 'not found'],
  [EXIT.partial, 'partial: some did not answer'],
  [EXIT.inputInvalid, 'input invalid'],
  [EXIT.internal, 'internal'],
  [EXIT.interrupted, 'interrupted'],
];

/** When several hold at once, the first of these speaks. */
const PRECEDENCE: readonly ExitCode[] = [
  EXIT.unreachable,
  EXIT.inputInvalid,
  EXIT.coverage,
  EXIT.partial,
  EXIT.findings,
];

/** One exit code for several; of none, or of nothing but `clean`: `clean`. */
export function combineExits(codes: readonly ExitCode[]): ExitCode {
  return (
    PRECEDENCE.find((code) => codes.includes(code)) ??
    codes.find((code) => code !== EXIT.clean) ??
    EXIT.clean
  );
}
