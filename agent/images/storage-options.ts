/** What driver options say of stores beside the primary one. */
export interface StorageOptions {
  /** `imagestore`, `additionalimagestore`: in the order of search. */
  readonly imageStores: readonly string[];
  /** `additionallayerstore`: as written, with `:ref` at the end where it stands. */
  readonly layerStores: readonly string[];
}

/**
 * Reads options as `overlay.imagestore=/path` (`STORAGE_OPTS`, `storage_option` of crio.conf), as containers/storage's drivers
 * do: the driver's name in front, or none, in any case of letters; the value is a list.
 */
export function readStorageOptions(options: readonly string[]): StorageOptions {
  const imageStores: string[] = [];
  const layerStores: string[] = [];
  for (const option of options) {
    const end = option.indexOf('=');
    const key = option.slice(0, Math.max(end, 0)).trim().toLowerCase();
    const values = option
      .slice(end + 1)
      .split(',')
      .map((value) => value.trim())
      .filter((value) => value !== '');
    const name = key.replace(/^(?:overlay2?|vfs|btrfs|zfs)?\./, '');
    if (name === 'imagestore' || name === 'additionalimagestore') imageStores.push(...values);
    if (name === 'additionallayerstore') layerStores.push(...values);
  }
  return { imageStores, layerStores };
}

/** Without those that come again later: of the same option the last one counts, as in CRI-O. */
export function lastOfEach(options: readonly string[]): readonly string[] {
  return options.filter((option, index) => options.lastIndexOf(option) === index);
}
