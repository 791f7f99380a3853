import { access } from 'node:fs/promises';
import { join } from 'node:path';

/** systemd.exec(5), LoadCredential= of the unit. */
const NAME = 'join-token';

/**
 * The file of the join token that systemd handed to this service; undefined when it handed none. It is empty where the
 * administrator put none: an enrolled node needs none.
 */
export async function joinCredential(
  folder: string | undefined = process.env['CREDENTIALS_DIRECTORY'],
): Promise<string | undefined> {
  if (folder === undefined || folder === '') return undefined;
  const file = join(folder, NAME);
  return await access(file).then(
    () => file,
    () => undefined,
  );
}
