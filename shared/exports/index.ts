import { annotations } from './annotations.ts';
import { csv } from './csv.ts';
import { junit } from './junit.ts';
import { openreports } from './openreports.ts';
import { oscal } from './oscal.ts';
import { sarif } from './sarif.ts';
import type { ExportFormat } from './source.ts';
import { xccdf } from './xccdf.ts';

/** Every format of an export. */
export const EXPORT_FORMATS: readonly ExportFormat[] = [
  sarif,
  oscal,
  csv,
  openreports,
  junit,
  xccdf,
  annotations,
];
