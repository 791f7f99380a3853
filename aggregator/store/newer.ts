import { StoreError } from './store.ts';

/** A database that a later version of this program has changed; it is left as it is. */
export function newerSchema(where: string, version: number, known: number): StoreError {
  const next = 'start the newer program, or restore the copy of before its upgrade';
  const what = `schema version ${version}, this program knows up to ${known}`;
  return new StoreError('ERR_STORE_NEWER', `${where}: ${what}: ${next}`);
}
