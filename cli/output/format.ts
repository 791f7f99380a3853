/** Formats of `-o`. */
export const FORMATS = ['table', 'wide', 'json', 'yaml', 'jsonl', 'name', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

export function isFormat(text: string): text is Format {
  return FORMATS.some((format) => format === text);
}

/** What `check -o` has besides: the exports that are about findings. */
export const EXPORTS = ['sarif', 'oscal', 'junit', 'openreports'] as const;
