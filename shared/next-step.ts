const CAUSES = 10;

/** What a person does about an error, by its code. */
export type NextSteps = Readonly<Record<string, string>>;

const DENIED =
  'give the user of the service the right (ls -lZd PATH); where it has it, SELinux denies: ausearch -m avc -ts recent';

/** Of files and addresses, the same for every program. */
const STEPS: NextSteps = {
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: 'name a folder below the StateDirectory of the unit, or add ReadWritePaths= to it',
  ENOSPC: 'make room on that file system',
  EDQUOT: 'raise the quota of that file system',
  EADDRINUSE: 'end what listens there (ss -ltnp), or choose another listen.port',
  EADDRNOTAVAIL: 'name an address of this machine in listen.address',
};

/**
 * The next step for an error, by the first of its causes whose code is known; undefined for what nobody foresaw. `steps`:
 * beside those of files and addresses.
 */
export function nextStep(thrown: unknown, steps: NextSteps = {}): string | undefined {
  const known: NextSteps = { ...STEPS, ...steps };
  let cause = thrown;
  for (let depth = 0; depth < CAUSES && cause instanceof Error; depth++) {
    const code = String('code' in cause ? cause.code : '');
    if (Object.hasOwn(known, code)) return known[code];
    cause = cause.cause;
  }
  return undefined;
}

/** What is wrong and, where it is known, what to do: one sentence for a log or a status. */
export function withStep(what: string, step: string | undefined): string {
  return step === undefined ? what : `${what}; next: ${step}`;
}
