/** Formats of `-o`. */
export const FORMATS = ['table', 'wide', 'json', 'yaml', 'jsonl', 'name', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

export function isFormat(text: string): text is Format {
  return FORMATS.some((format) => format === text);
}
