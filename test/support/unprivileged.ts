const NOBODY = 65_534;

/** Why a test of what may not be read is skipped; false where this process can be somebody who may not. */
export const alwaysPrivileged: string | false =
  process.getuid?.() === 0 && process.seteuid === undefined
    ? 'needs a process that can give up its privileges'
    : false;

/** Runs `look` as a user who may read only what everybody may; as root it is root again afterwards. */
export async function asNobody<T>(look: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return await look();
  process.seteuid?.(NOBODY);
  try {
    return await look();
  } finally {
    process.seteuid?.(0);
  }
}
